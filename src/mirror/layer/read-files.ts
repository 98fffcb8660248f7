import type { Run } from '../../core/run.ts';
import type { Digest } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { openKeptLayer } from './open-layer.ts';
import { readTar } from './tar-reader.ts';

const fileLimitBytes = 64 << 20;

/** What is asked of an image's file system: exact member names (no leading slash). */
export interface WantedFiles {
  readonly names: ReadonlySet<string>;
  /** Puts a layer into the workspace before it is read. */
  readonly keep: (layer: Digest) => Promise<void>;
}

/**
 * Small files of an image by name, read from its uppermost layer down and only as far as needed: whiteouts hide what lies below
 * (OCI image-spec, "Layer Filesystem Changeset"). Nothing is unpacked to disk.
 * @throws AirlockError LAYER_INVALID
 */
export async function readImageFiles(
  layers: readonly Digest[],
  wanted: WantedFiles,
  kept: KeptBlobs,
  run: Run,
): Promise<{ readonly files: Map<string, Buffer>; readonly layersRead: Digest[] }> {
  const files = new Map<string, Buffer>();
  const hidden = new Set<string>();
  const layersRead: Digest[] = [];
  for (const layer of [...layers].reverse()) {
    if ([...wanted.names].every((name) => files.has(name) || hidden.has(name))) break;
    await wanted.keep(layer);
    layersRead.push(layer);
    const here = await readLayerFiles(layer, wanted.names, kept, run);
    for (const [name, bytes] of here.files) if (!files.has(name) && !hidden.has(name)) files.set(name, bytes);
    for (const name of wanted.names) if (here.whiteouts.some((path) => covers(path, name))) hidden.add(name);
  }
  return { files, layersRead };
}

async function readLayerFiles(
  layer: Digest,
  names: ReadonlySet<string>,
  kept: KeptBlobs,
  run: Run,
): Promise<{ files: Map<string, Buffer>; whiteouts: string[] }> {
  const chunks = new Map<string, Buffer[]>();
  const whiteouts: string[] = [];
  await readTar(await openKeptLayer(layer, kept, run), (member) => {
    const whiteout = whiteoutPath(member.name);
    if (whiteout !== undefined) whiteouts.push(whiteout);
    if (member.kind !== 'file' || !names.has(member.name) || member.sizeBytes > fileLimitBytes) return undefined;
    const parts: Buffer[] = [];
    chunks.set(member.name, parts);
    return (chunk) => {
      parts.push(Buffer.from(chunk));
    };
  });
  return { files: new Map([...chunks].map(([name, parts]) => [name, Buffer.concat(parts)])), whiteouts };
}

/** The path that a whiteout member hides in lower layers, an opaque folder's own path included; undefined for other members. */
export function whiteoutPath(member: string): string | undefined {
  const slash = member.lastIndexOf('/');
  const base = member.slice(slash + 1);
  if (base === '.wh..wh..opq') return member.slice(0, Math.max(slash, 0));
  return base.startsWith('.wh.') ? `${member.slice(0, slash + 1)}${base.slice(4)}` : undefined;
}

/** Whether `path` is `name` or a folder above it. */
export function covers(path: string, name: string): boolean {
  return path === '' || name === path || name.startsWith(`${path}/`);
}
