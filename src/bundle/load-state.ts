import path from 'node:path';
import { findFile, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestHex, digestOf } from '../oci/index.ts';
import { type Plan, parsePlan } from '../plan/index.ts';
import { type Bundle, locateMember, readCarriedFile } from './bundle.ts';
import { type BundleIndex, bundleNames, generationText, type IndexedFile } from './format.ts';
import { parseIndex, renderIndex } from './index-text.ts';
import type { Placement } from './place-data.ts';
import { readRecord } from './read-record.ts';

/** What the bastion remembers of a bundle that it loaded completely: `STATE/generations/NNNNNN/load.json`. */
export interface LoadRecord {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'LoadRecord';
  readonly generation: number;
  readonly indexDigest: Digest;
  readonly loadedAt: string;
  readonly bundleKind: Bundle['kind'];
  /** Folder of the registry storage, or `docker://HOST[:PORT][/PREFIX]`. */
  readonly target: string;
  readonly webRoot?: string;
  readonly toolsDir?: string;
  readonly filesDir?: string;
}

/** A loaded generation as it lies in the state folder. */
export interface LoadedGeneration {
  readonly record: LoadRecord;
  /** Holds `index.json` and copies of the bundle's `plan.json`, `imageset.yaml` and `site.yaml`. */
  readonly folder: string;
}

/** The generations that were loaded, oldest first. @throws AirlockError RECORD_DAMAGED */
export async function listLoaded(stateFolder: string, run: Run): Promise<LoadedGeneration[]> {
  const loaded: LoadedGeneration[] = [];
  for (const entry of await run.disk.list(path.join(stateFolder, 'generations'))) {
    if (!/^[0-9]{6}$/.test(entry.name)) continue;
    const folder = path.join(stateFolder, 'generations', entry.name);
    const mend = 'load that generation again: what is there stays';
    const record = await readRecord<LoadRecord>(path.join(folder, 'load.json'), mend, run);
    if (record) loaded.push({ folder, record });
  }
  return loaded;
}

/** The index of a loaded generation. @throws AirlockError BUNDLE_INVALID when the copy was damaged */
export async function readLoadedIndex(loaded: LoadedGeneration, run: Run): Promise<BundleIndex> {
  const text = await findFile(path.join(loaded.folder, 'index.json'), run, 1 << 30);
  return parseIndex(text ? [text] : []);
}

/**
 * The number under which a bundle is remembered: its own. The next free one for real oc-mirror's archives, which have none, and for a bundle of
 * another workspace whose number is taken here: what was loaded before must not be forgotten for it.
 */
export function loadedNumber(bundle: Bundle, loaded: readonly LoadedGeneration[]): number {
  const known = loaded.find(({ record }) => record.indexDigest === bundle.indexDigest);
  if (known) return known.record.generation;
  const { generation } = bundle.index;
  if (bundle.kind !== 'foreign' && !loaded.some(({ record }) => record.generation === generation)) return generation;
  return (loaded.at(-1)?.record.generation ?? 0) + 1;
}

/** Where a bundle was loaded to. */
export type LoadPlaces = Pick<LoadRecord, 'target' | 'webRoot' | 'toolsDir' | 'filesDir'>;

/** Keeps index and configuration of a bundle, and last the record that says it is loaded. */
export async function writeLoaded(stateFolder: string, bundle: Bundle, places: LoadPlaces, run: Run): Promise<void> {
  const generation = loadedNumber(bundle, await listLoaded(stateFolder, run));
  if (bundle.kind !== 'foreign' && generation !== bundle.index.generation) {
    const message = `generation ${bundle.index.generation} of another workspace was loaded here before; this one is remembered as generation ${generation}`;
    run.report({ stage: 'load', state: 'log', level: 'warning', message });
  }
  const record: LoadRecord = {
    apiVersion: 'airlock/v1alpha1',
    kind: 'LoadRecord',
    generation,
    indexDigest: bundle.indexDigest,
    loadedAt: run.now().toISOString(),
    bundleKind: bundle.kind,
    ...places,
  };
  const folder = path.join(stateFolder, 'generations', generationText(record.generation));
  const incoming = incomingFolder(stateFolder, bundle);
  await removeTemporaries(folder, run);
  await writeFileAtomic(path.join(folder, 'index.json'), renderIndex(bundle.index), run);
  await writeFileAtomic(path.join(folder, 'index.sig'), bundle.facts.signature, run);
  for (const file of configurationOf(bundle)) {
    const name = path.basename(file.path);
    // Of a bundle that comes medium by medium, the one that holds it may be away by now.
    const isRight = (bytes: Buffer | undefined): boolean =>
      bytes !== undefined && digestHex(digestOf(bytes)) === file.sha256;
    if (isRight(await findFile(path.join(folder, name), run, 1 << 30))) continue;
    const kept = await findFile(path.join(incoming, name), run, 1 << 30);
    await writeFileAtomic(
      path.join(folder, name),
      kept && isRight(kept) ? kept : await readCarriedFile(bundle, file, run),
      run,
    );
  }
  await writeFileAtomic(path.join(folder, 'load.json'), prettyJson(record), run);
}

/** The plan of a bundle, as it waits for other media of the same bundle or was kept when the bundle was loaded; undefined when it is nowhere. */
export async function findKeptPlan(bundle: Bundle, stateFolder: string, run: Run): Promise<Plan | undefined> {
  const loaded = await listLoaded(stateFolder, run);
  const known = loaded.find(({ record }) => record.indexDigest === bundle.indexDigest);
  for (const folder of [incomingFolder(stateFolder, bundle), ...(known ? [known.folder] : [])]) {
    const file = path.join(folder, path.basename(bundleNames.plan));
    const bytes = await findFile(file, run, 1 << 30);
    if (bytes && digestOf(bytes) === bundle.index.planDigest) return parsePlan(bytes.toString(), file);
  }
  return undefined;
}

/** Where the configuration of a bundle waits that comes medium by medium, for `writeLoaded`. */
export function configurationPlacements(stateFolder: string, bundle: Bundle): Placement[] {
  return configurationOf(bundle).map((file) => ({
    name: file.path,
    source: locateMember(bundle, file),
    size: file.size,
    algorithm: 'sha256',
    hex: file.sha256,
    target: path.join(incomingFolder(stateFolder, bundle), path.basename(file.path)),
    mode: 0o644,
  }));
}

/** Where content of a bundle waits that comes medium by medium. */
export function incomingFolder(stateFolder: string, bundle: Bundle): string {
  return path.join(stateFolder, 'incoming', digestHex(bundle.indexDigest).slice(0, 16));
}

function configurationOf(bundle: Bundle): IndexedFile[] {
  return bundle.index.files.filter((file) => file.role === 'config' && file.path.startsWith('airlock/'));
}
