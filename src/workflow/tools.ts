import path from 'node:path';
import { compareVersions, findStrictVersion } from '../config/index.ts';
import { AirlockError, errorText, isAirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { type HttpAccess, keepImageFile } from '../mirror/index.ts';
import { type Digest, digestFromHex, digestHex, isDigest, type Source } from '../oci/index.ts';
import type { CollectedManifest, CollectedSet, KeptBlobs, SelectedFile, SelectedRelease } from '../plan/index.ts';
import { keepLocalFile, measureUrl, type NamedTool, parseNamedTool } from './named-tools.ts';

/** Tools of a bare bastion that the release payload holds. `oc adm release extract` makes kubectl of the same bytes as oc. */
const payloadTools: ReadonlySet<string> = new Set(['oc', 'kubectl']);

/** What tools add to the facts of a set. */
export type ToolFacts = Pick<CollectedSet, 'files' | 'missing' | 'notes' | 'manifests'>;

export interface ToolRequest {
  /** As `--tools` lists them; undefined: oc and kubectl where there is a site, and then a lack is only a note. */
  readonly names: readonly string[] | undefined;
  readonly hasSite: boolean;
  /** As Go spells it. */
  readonly architecture: string;
  readonly workspace: string;
  /** sha256 of files that the far side has: they need not be read again. */
  readonly carriedFiles: ReadonlySet<string>;
}

/** What reaches images, servers and the workspace. */
export interface ToolSources {
  readonly source: Pick<Source, 'fetchBlob'>;
  readonly http: HttpAccess;
  readonly kept: KeptBlobs;
}

/**
 * Files for the bastion's tools folder: out of the newest release's own component images by digest, or by file and URL.
 * @throws AirlockError USAGE for a tool that nobody knows
 */
export async function collectTools(
  facts: CollectedSet,
  request: ToolRequest,
  sources: ToolSources,
  run: Run,
): Promise<ToolFacts> {
  const found: { -readonly [K in keyof ToolFacts]: ToolFacts[K] } = {
    files: [],
    missing: [],
    notes: [],
    manifests: facts.manifests,
  };
  const names = request.names ?? (request.hasSite && facts.releases.length > 0 ? [...payloadTools] : []);
  for (const text of names) {
    const named = parseNamedTool(text);
    if (!named && !payloadTools.has(text)) {
      throw new AirlockError('USAGE', `"${text}" is no tool of a release payload`, {
        hint: `name ${[...payloadTools].join(', ')}, or NAME=FILE, or NAME=URL#sha256:HEX`,
      });
    }
    try {
      const { file, manifest } = named
        ? { file: await selectNamed(named, sources, run), manifest: undefined }
        : await selectFromPayload(text, facts, request, sources, run);
      found.files = [...found.files, file];
      if (manifest) found.manifests = new Map(found.manifests).set(manifest.digest, manifest);
    } catch (error) {
      if (run.signal.aborted || !isAirlockError(error) || error.code === 'USAGE') throw error;
      const cause = errorText(error);
      if (request.names) found.missing = [...found.missing, { type: 'tool', origin: text, code: error.code, cause }];
      else found.notes = [...found.notes, { code: 'TOOL_LEFT_OUT', subject: text, message: cause }];
    }
  }
  return found;
}

async function selectNamed(named: NamedTool, { http, kept }: ToolSources, run: Run): Promise<SelectedFile> {
  const base = { path: toolMember(named.name), mode: 0o755, role: 'tool', origin: named.place } as const;
  if (named.kind === 'file') {
    const { sha256, sizeBytes } = await keepLocalFile(named, kept, run);
    return { ...base, sizeBytes, sha256, content: { kind: 'kept' } };
  }
  const sizeBytes = await measureUrl(named.place, http, run);
  return { ...base, sizeBytes, sha256: named.sha256, content: { kind: 'url', url: named.place } };
}

/** What is known of a tool that was read once, so that a run with nothing new reads no layer again. */
interface KnownTool {
  readonly sha256: string;
  readonly sizeBytes: number;
}

async function selectFromPayload(
  name: string,
  facts: CollectedSet,
  request: ToolRequest,
  sources: ToolSources,
  run: Run,
): Promise<{ readonly file: SelectedFile; readonly manifest: CollectedManifest | undefined }> {
  const release = newestRelease(facts.releases);
  if (!release) throw new AirlockError('TOOL_MISSING', `the image set has no release, and ${name} comes out of one`);
  const memory = path.join(request.workspace, 'tools.json');
  const known = JSON.parse((await findFile(memory, run))?.toString() ?? '{}') as Record<string, KnownTool>;
  for (const { component, file } of placesOf(request.architecture)) {
    const reference = release.components[component] ?? '';
    const image = findInstance(reference, facts, request.architecture);
    if (!image) continue;
    const origin = `${reference}:/${file}`;
    const key = `${image.digest} ${file}`;
    const before = known[key];
    const isHere =
      before &&
      (request.carriedFiles.has(before.sha256) || (await sources.kept.has(digestFromHex(before.sha256), run)));
    if (before && isHere) return { file: fileOf(name, origin, before), manifest: undefined };
    // Of what came in an archive only the origin is known.
    const [from = reference.slice(0, reference.lastIndexOf('@'))] = image.sources;
    const slash = from.indexOf('/');
    const repository = { registry: from.slice(0, slash), repository: from.slice(slash + 1) };
    const [, ...layers] = image.blobs;
    const kept = await keepImageFile({ ...sources, repository, layers, name: file }, run);
    if (!kept) continue;
    const tool = { sha256: digestHex(kept.digest), sizeBytes: kept.sizeBytes };
    await writeFileAtomic(memory, prettyJson({ ...known, [key]: tool }), run);
    const keptBlobs = [...new Set<Digest>([...(image.keptBlobs ?? []), ...kept.keptLayers])];
    return { file: fileOf(name, origin, tool), manifest: { ...image, keptBlobs } };
  }
  throw new AirlockError(
    'TOOL_MISSING',
    `release ${release.version} has no ${name} for ${request.architecture} in cli-artifacts or cli`,
  );
}

/** Where `oc` lies, best first: made for that architecture whatever the image's own, then the image's own. */
function placesOf(architecture: string): readonly { readonly component: string; readonly file: string }[] {
  return [
    { component: 'cli-artifacts', file: `usr/share/openshift/linux_${architecture}/oc` },
    { component: 'cli', file: 'usr/bin/oc' },
  ];
}

/** The component's image, or of an index the instance of that architecture, else its first. */
function findInstance(
  reference: string,
  { manifests }: CollectedSet,
  architecture: string,
): CollectedManifest | undefined {
  const digest = reference.slice(reference.lastIndexOf('@') + 1);
  const root = isDigest(digest) ? manifests.get(digest) : undefined;
  if (!root || root.manifests.length === 0) return root;
  const here = root.manifests.filter((child) => manifests.has(child.digest));
  const fitting = here.find((child) => child.platform?.architecture === architecture) ?? here[0];
  return fitting && manifests.get(fitting.digest);
}

function newestRelease(releases: readonly SelectedRelease[]): SelectedRelease | undefined {
  const order = (a: SelectedRelease, b: SelectedRelease): number => {
    const [left, right] = [findStrictVersion(a.version), findStrictVersion(b.version)];
    return left && right ? compareVersions(right, left) : 0;
  };
  return [...releases].sort(order)[0];
}

function fileOf(name: string, origin: string, { sha256, sizeBytes }: KnownTool): SelectedFile {
  return { path: toolMember(name), sizeBytes, sha256, mode: 0o755, role: 'tool', content: { kind: 'kept' }, origin };
}

function toolMember(name: string): string {
  return `airlock/tools/${name}`;
}
