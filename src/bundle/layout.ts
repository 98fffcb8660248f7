import { AirlockError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { digestHex, digestOf } from '../oci/index.ts';
import type { Plan, SelectedFile } from '../plan/index.ts';
import {
  type BundleIndex,
  bundleNames,
  type IndexedBlob,
  type IndexedFile,
  type MemberPlace,
  volumeName,
} from './format.ts';
import { renderIndex } from './index-text.ts';
import { compareFiles, type Member, type MemberSet, memberMode, sequenceMembers } from './members.ts';
import { blockBytes, createHeaderEncoder, encodeHeader, endBytes, paddingOf } from './tar-header.ts';

/** A member with its place. Offsets as in `MemberPlace`. */
export interface PlacedMember extends Member {
  readonly volume: number;
  readonly header: Buffer;
  readonly headerOffset: number;
  readonly dataOffset: number;
}

/** What the layout needs beside the plan. */
export interface LayoutOptions {
  /** The executable that goes along as `airlock/bin/airlock`. */
  readonly tool?: { readonly sizeBytes: number; readonly sha256: string };
}

/** How members are cut into volumes. */
export interface VolumeRule {
  readonly volumeSizeBytes: number;
  readonly createdAt: string;
  /** Number of the volume with the index. */
  readonly firstVolume: number;
}

/**
 * Every member with its header and place. A volume ends before a member that would take the sum of its contents (headers, padding and the
 * index not counted, as real oc-mirror counts) above `volumeSizeBytes`; a member that is larger by itself gets a volume of its own.
 */
export function* placeMembers(set: MemberSet, rule: VolumeRule): Generator<PlacedMember> {
  const encode = createHeaderEncoder(new Date(rule.createdAt));
  let volume = rule.firstVolume;
  let contentBytes = 0;
  let offset = 0;
  for (const member of sequenceMembers(set)) {
    if (contentBytes > 0 && contentBytes + member.size > rule.volumeSizeBytes) {
      volume += 1;
      contentBytes = 0;
      offset = 0;
    }
    const header = encode(member);
    const dataOffset = offset + header.length;
    yield { ...member, volume, header, headerOffset: offset, dataOffset };
    contentBytes += member.size;
    offset = dataOffset + member.size + paddingOf(member.size);
  }
}

/**
 * The index of the bundle that a plan gives: every blob and file with its place, every volume with its size. Pure: the same plan and tool
 * give the same index. Beside the plan's own files it holds the plan itself and, last, the ImageSetConfiguration under real oc-mirror's
 * name `isc_<time>`, made from the file `airlock/imageset.yaml` of the plan when it has one.
 * @throws AirlockError PLAN_UNUSABLE
 */
export function layoutVolumes(plan: Plan, options: LayoutOptions = {}): BundleIndex {
  const known = laidOut.get(plan);
  if (known && known.tool?.sha256 === options.tool?.sha256) return known.index;
  const index = layOut(plan, options);
  laidOut.set(plan, { tool: options.tool, index });
  return index;
}

// The forecast of a build lays out what the build then makes.
const laidOut = new WeakMap<Plan, { readonly tool: LayoutOptions['tool']; readonly index: BundleIndex }>();

function layOut(plan: Plan, options: LayoutOptions): BundleIndex {
  const bare = {
    repositories: plan.repositories,
    blobs: plan.blobs.map(({ digest, size, kind, mediaType, origin }) => {
      return { digest, size, kind, mediaType, origin, volume: 1, offset: 0 };
    }),
    files: selectFiles(plan, options).map(toIndexedFile),
  };
  const rule = { volumeSizeBytes: plan.volumeSizeBytes, createdAt: plan.createdAt, firstVolume: 1 };
  const places = placeContents(bare, rule);
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'BundleIndex',
    createdAt: plan.createdAt,
    toolVersion: plan.toolVersion,
    engine: plan.engine,
    generation: plan.generation,
    ...(plan.parent ? { parent: plan.parent } : {}),
    planDigest: digestOf(planBytes(plan)),
    imageSetDigest: plan.imageSetDigest,
    ...(plan.siteDigest ? { siteDigest: plan.siteDigest } : {}),
    volumeSizeBytes: plan.volumeSizeBytes,
    assumed: plan.assumed,
    ...places,
    images: plan.images,
    repositories: plan.repositories,
    assumedFiles: plan.assumedFiles.map((file) => {
      const { volume: _volume, offset: _offset, ...rest } = toIndexedFile(file);
      return rest;
    }),
    releases: plan.releases,
    catalogs: plan.catalogs,
  };
}

// A build asks for the bytes of its one plan five times, and they may be tens of megabytes.
const rendered = new WeakMap<Plan, Buffer>();

/** The plan's bytes as they lie in the bundle. */
export function planBytes(plan: Plan): Buffer {
  const bytes = rendered.get(plan) ?? Buffer.from(canonicalJson(plan));
  rendered.set(plan, bytes);
  return bytes;
}

/** The name of the ImageSetConfiguration at the end of the last volume. */
export function imageSetMember(createdAt: string): string {
  return `isc_${createdAt}`;
}

/** Places of blobs and files, and the volumes' sizes. */
export function placeContents(set: MemberSet, rule: VolumeRule): Pick<BundleIndex, 'blobs' | 'files' | 'volumes'> {
  const blobs: IndexedBlob[] = [];
  const files: IndexedFile[] = [];
  const ends: number[] = [];
  for (const { content, volume, dataOffset, size } of placeMembers(set, rule)) {
    ends[volume - rule.firstVolume] = dataOffset + size + paddingOf(size) + endBytes;
    if (content.kind === 'blob') blobs.push({ ...content.blob, volume, offset: dataOffset });
    if (content.kind === 'file') files.push({ ...content.file, volume, offset: dataOffset });
  }
  return { blobs, files, volumes: ends.map((size, at) => ({ name: volumeName(rule.firstVolume + at), size })) };
}

function selectFiles(plan: Plan, options: LayoutOptions): SelectedFile[] {
  const own = planBytes(plan);
  const base = { mode: 0o644, role: 'config', origin: 'airlock', content: { kind: 'kept' } } as const;
  const files: SelectedFile[] = [
    ...plan.files,
    { ...base, path: bundleNames.plan, sizeBytes: own.length, sha256: digestHex(digestOf(own)) },
  ];
  if (options.tool) files.push({ ...base, ...options.tool, path: bundleNames.tool, mode: 0o755, role: 'tool' });
  const imageSet = plan.files.find((file) => file.path === bundleNames.imageSet);
  if (imageSet) files.push({ ...imageSet, path: imageSetMember(plan.createdAt), mode: 0o644 });
  files.sort(compareFiles);
  for (const [at, file] of files.entries()) assertUsable(file.path, files[at - 1]?.path);
  return files;
}

/** Names that would collide with our own, leave the root, or make real oc-mirror put a file of ours into its cache or working folder. */
function assertUsable(path: string, before: string | undefined): void {
  const reserved: readonly string[] = [bundleNames.index, bundleNames.signature, bundleNames.checksums];
  const rooted = /^(?:airlock|working-dir)\/[^\0\n]+$|^isc_[^/\0\n]+$/.test(path);
  const escapes = path.split('/').some((element) => element === '' || element === '.' || element === '..');
  const misread = path.startsWith('airlock/') && /working-dir|docker\/registry\/v2/.test(path);
  if (rooted && !escapes && !misread && !reserved.includes(path) && path !== before) return;
  throw new AirlockError('PLAN_UNUSABLE', `a bundle cannot hold a file named "${path}"`);
}

function toIndexedFile(file: SelectedFile): IndexedFile {
  const { path, sizeBytes, sha256, mode, role, origin, webPath } = file;
  return { path, size: sizeBytes, sha256, mode, role, origin, volume: 1, offset: 0, ...(webPath ? { webPath } : {}) };
}

/**
 * Checks that an index places everything where the rule puts it: then a walk over the members and the places in the index say the same.
 * @throws AirlockError BUNDLE_INVALID
 */
export function assertPlaces(index: BundleIndex): void {
  const rule = { volumeSizeBytes: index.volumeSizeBytes, createdAt: index.createdAt, firstVolume: 1 };
  const { blobs, files, volumes } = placeContents(index, rule);
  const isSame = (a: MemberPlace, b: MemberPlace | undefined): boolean =>
    a.volume === b?.volume && a.offset === b.offset;
  const fine =
    blobs.every((blob, at) => isSame(blob, index.blobs[at])) &&
    files.every((file, at) => isSame(file, index.files[at])) &&
    volumes.length === index.volumes.length &&
    volumes.every(({ name, size }, at) => name === index.volumes[at]?.name && size === index.volumes[at]?.size);
  if (!fine) throw new AirlockError('BUNDLE_INVALID', 'the index places members where the format does not put them');
}

/** Bytes of all volumes of a bundle, the index in it included: exactly what `build` will write. */
export function bundleBytes(index: BundleIndex): number {
  const text = renderIndex(index);
  return index.volumes.reduce((sum, { size }) => sum + size, indexMemberBytes(text.length));
}

/** Bytes of the index member: header, data, padding. Asked for every place of a blob: its name and its size always fit into one block. */
export function indexMemberBytes(size: number): number {
  return blockBytes + size + paddingOf(size);
}

/** Header of the index member. */
export function indexHeader(index: Pick<BundleIndex, 'createdAt'>, size: number): Buffer {
  return encodeHeader({ path: bundleNames.index, size, mode: memberMode, mtime: new Date(index.createdAt) });
}
