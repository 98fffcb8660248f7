import { decodeText, detectKind, lintConfigFile } from '../config/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { hasRegistryTables, lintManifests, type ManifestText } from '../manifests/index.ts';
import { lintNamedFiles } from './named-files.ts';

/** Kinds that have a linter of their own; everything else with a kind is a Kubernetes object. */
const configKinds: readonly string[] = ['Site', 'ImageSetConfiguration', 'DeleteImageSetConfiguration'];

/**
 * Every fault of every file: configuration, registries.conf, Kubernetes objects; objects of all files are compared with one another too.
 * Files that a configuration names have to be there, on the host that reads them. In the order of the files.
 * @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function lintFiles(files: readonly string[], run: Run): Promise<Finding[]> {
  const texts: (ManifestText & { readonly manifest: boolean; readonly unreadable?: readonly Finding[] })[] = [];
  for (const file of new Set(files)) {
    const stat = await run.disk.stat(file);
    const hint = 'name files: site.yaml, imageset.yaml, registries.conf, Kubernetes objects';
    if (!stat) throw new AirlockError('FILE_NOT_FOUND', `${file} does not exist`, { hint });
    if (stat.kind === 'directory') throw new AirlockError('FILE_NOT_FOUND', `${file} is a folder`, { hint });
    const text = readText(await readFileLimited(file, run), file);
    if (typeof text !== 'string') texts.push({ file, text: '', manifest: false, unreadable: text });
    else texts.push({ file, text, manifest: isManifest(file, text) });
  }
  const manifests = lintManifests(texts.filter(({ manifest }) => manifest));
  const findings: Finding[] = [];
  for (const { file, text, manifest, unreadable } of texts) {
    if (unreadable) findings.push(...unreadable);
    else if (manifest) findings.push(...manifests.filter(({ subject }) => subject === file));
    else findings.push(...lintConfigFile(file, text), ...(await lintNamedFiles(file, text)));
  }
  return findings;
}

/** The text as the other commands read it, or why they would not. */
function readText(bytes: Uint8Array, file: string): string | readonly Finding[] {
  try {
    return decodeText(bytes, file);
  } catch (error) {
    if (!isAirlockError(error, 'CONFIG_INVALID')) throw error;
    return (error.details['findings'] ?? []) as readonly Finding[];
  }
}

function isManifest(file: string, text: string): boolean {
  if (file.endsWith('.conf') || hasRegistryTables(text)) return true;
  // Reading the whole for its kind takes long where it is large; most files say it on a line of its own.
  const [, written] = /^kind:[ \t]*(\w+)[ \t]*\r?$/m.exec(text) ?? [];
  if (written !== undefined && !configKinds.includes(written)) return true;
  const kind = detectKind(text);
  return kind === undefined ? hasNoKind(text) : !configKinds.includes(kind);
}

/** What has no kind and is right so: the configuration of an installer, and that of a registry. */
function hasNoKind(text: string): boolean {
  return (
    (/^baseDomain\s*:/m.test(text) && /^(platform|controlPlane|pullSecret|compute)\s*:/m.test(text)) ||
    (/^version\s*:\s*["']?0\.\d/m.test(text) && /^storage\s*:/m.test(text))
  );
}
