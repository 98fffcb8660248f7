import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';
import {
  blobPath,
  compareRepositories,
  type Digest,
  digestOf,
  isDigest,
  isRepository,
  isTag,
  manifestLimitBytes,
  type RepositoryContent,
} from '../oci/index.ts';
import { type Bundle, readMember } from './bundle.ts';
import { type ForeignImages, type FoundRepository, listForeignImages } from './foreign-images.ts';
import { type BundleIndex, type IndexedBlob, type IndexedFile, volumeNumber } from './format.ts';
import { renderIndex } from './index-text.ts';
import { type ScannedMember, scanVolume } from './scan.ts';

/** What was found by looking through the volumes. */
interface Found {
  readonly blobs: Map<Digest, { readonly volume: number; readonly offset: number; readonly size: number }>;
  readonly repositories: Map<string, FoundRepository>;
  readonly files: Map<string, IndexedFile>;
  newest: Date | undefined;
}

const linkBytes = 71;

/**
 * A bundle from tars that real oc-mirror wrote: the model is built from the link tree and the blobs, in whatever order they lie. Blobs that
 * the tree names and no volume holds are `assumed`: an earlier archive carried them. Archives of several runs may lie side by side under other
 * numbers: of what two volumes say about a tag or a file the later one counts, as when oc-mirror unpacks them (reference §4.5).
 * @throws AirlockError BUNDLE_INVALID
 * @see reference oc-mirror v2, "Reading an oc-mirror archive"
 */
export async function indexForeign(folder: string, names: readonly string[], run: Run): Promise<Bundle> {
  const found: Found = { blobs: new Map(), repositories: new Map(), files: new Map(), newest: undefined };
  const volumes: Bundle['volumes'][number][] = [];
  for (const name of names) {
    const file = path.join(folder, name);
    const sizeBytes = (await run.disk.stat(file))?.sizeBytes ?? 0;
    if (sizeBytes === 0) throw new AirlockError('BUNDLE_INVALID', `${name} is empty`, { hint: 'copy it again' });
    const volume = volumeNumber(name) ?? 0;
    volumes.push({ volume, name, path: file, sizeBytes, foundBytes: sizeBytes });
    await scanFile(file, volume, sizeBytes, found, run);
  }
  const bare: Bundle = {
    folder,
    kind: 'foreign',
    index: toIndex(found, volumes, undefined),
    indexDigest: digestOf(''),
    facts: { sizeBytes: 0, sha256: '', signature: '' },
    volumes,
  };
  const images = await listForeignImages(bare, found.repositories, readManifest(bare, run), run);
  const index = toIndex(found, volumes, images);
  return { ...bare, index, indexDigest: digestOf(renderIndex(index)) };
}

function readManifest(bundle: Bundle, run: Run): (digest: Digest) => Promise<Buffer | undefined> {
  const blobs = new Map(bundle.index.blobs.map((blob) => [blob.digest, blob]));
  return async (digest) => {
    const blob = blobs.get(digest);
    if (!blob || blob.size > manifestLimitBytes) return undefined;
    const bytes = await readMember(bundle, blob, run);
    // Only looked at here; but what does not have its digest says nothing.
    return digestOf(bytes) === digest ? bytes : undefined;
  };
}

async function scanFile(file: string, volume: number, sizeBytes: number, found: Found, run: Run): Promise<void> {
  const name = path.basename(file);
  const handle = await run.disk.open(file, 'read').catch((error: unknown) => {
    throw diskError(error, file, 'read');
  });
  try {
    const seen = new Set<string>();
    for await (const member of scanVolume(handle, sizeBytes, name)) {
      assertRunning(run);
      if (seen.has(member.path)) throw invalid(name, member, 'is there twice');
      seen.add(member.path);
      const link = async (): Promise<Digest> => {
        const bytes = Buffer.alloc(linkBytes);
        const size = await handle.read(bytes, member.dataOffset);
        const text = bytes.toString('latin1');
        if (member.size !== linkBytes || size !== linkBytes || !isDigest(text))
          throw invalid(name, member, 'is not a link');
        return text;
      };
      await takeMember(member, volume, name, link, found);
    }
  } catch (error) {
    throw diskError(error, file, 'read');
  } finally {
    await handle.close();
  }
}

async function takeMember(
  member: ScannedMember,
  volume: number,
  name: string,
  link: () => Promise<Digest>,
  found: Found,
): Promise<void> {
  const { path: where, size, dataOffset } = member;
  if (member.mtime && (!found.newest || member.mtime > found.newest)) found.newest = member.mtime;
  const blob = /^docker\/registry\/v2\/blobs\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})\/data$/.exec(where)?.[1];
  if (blob !== undefined) {
    const digest = `sha256:${blob}` as Digest;
    if (blobPath(digest) !== where) throw invalid(name, member, 'is not where its digest belongs');
    const before = found.blobs.get(digest);
    if (before && before.size !== size) throw invalid(name, member, 'is in two volumes with two sizes');
    if (!before) found.blobs.set(digest, { volume, offset: dataOffset, size });
    return;
  }
  const tree = /^docker\/registry\/v2\/repositories\/(.+?)\/(_layers|_manifests|_uploads)\/(.+)$/.exec(where);
  if (tree) return takeLink(member, name, tree[1] ?? '', `${tree[2]}/${tree[3]}`, link, found);
  if (!/^(?:working-dir\/|isc_|airlock\/)/.test(where)) return;
  const place = { volume, offset: dataOffset };
  const role = where.startsWith('working-dir/') ? 'working-dir' : 'config';
  const file = { ...place, path: where, size, sha256: '', mode: member.mode, role, origin: 'oc-mirror' };
  found.files.set(where, file);
}

async function takeLink(
  member: ScannedMember,
  volumeFile: string,
  repository: string,
  rest: string,
  link: () => Promise<Digest>,
  found: Found,
): Promise<void> {
  if (rest.startsWith('_uploads/')) return;
  if (!isRepository(repository)) throw invalid(volumeFile, member, 'is not in a repository');
  const content = found.repositories.get(repository) ?? { tags: new Map(), revisions: new Set(), layers: new Set() };
  found.repositories.set(repository, content);
  const hex = /^(_layers|_manifests\/revisions)\/sha256\/([0-9a-f]{64})\/link$/.exec(rest);
  if (hex) {
    const digest = `sha256:${hex[2]}` as Digest;
    (hex[1] === '_layers' ? content.layers : content.revisions).add(digest);
    return;
  }
  const tag = /^_manifests\/tags\/([^/]+)\/(current\/link|index\/sha256\/[0-9a-f]{64}\/link)$/.exec(rest);
  if (!tag?.[1] || !isTag(tag[1])) throw invalid(volumeFile, member, 'is nothing that a storage tree holds');
  if (tag[2] !== 'current/link') return;
  const digest = await link();
  content.tags.set(tag[1], { digest, mtime: member.mtime });
}

function toIndex(found: Found, volumes: Bundle['volumes'], images: ForeignImages | undefined): BundleIndex {
  const repositories: RepositoryContent[] = [...found.repositories]
    .sort(([a], [b]) => compareRepositories(a, b))
    .map(([name, content]) => ({
      name,
      tags: Object.fromEntries(
        [...content.tags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([tag, { digest }]) => [tag, digest]),
      ),
      revisions: [...content.revisions].sort(),
      layers: [...content.layers].sort(),
    }));
  const manifests = new Set(repositories.flatMap((repository) => repository.revisions));
  const blobs = [...found.blobs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([digest, place]): IndexedBlob => {
      const kind = manifests.has(digest) ? 'manifest' : (images?.kinds.get(digest) ?? 'layer');
      return {
        ...place,
        digest,
        kind,
        mediaType: images?.mediaTypes.get(digest) ?? '',
        origin: images?.origins.get(digest) ?? '',
      };
    });
  const needed = new Set(
    repositories.flatMap(({ tags, revisions, layers }) => [...Object.values(tags), ...revisions, ...layers]),
  );
  const time = [...found.files.keys()]
    .flatMap((name) => /^isc_(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(name)?.[1] ?? [])
    .sort()
    .at(-1);
  const files = [...found.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'BundleIndex',
    createdAt: time ?? (found.newest ?? new Date(0)).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    toolVersion: '',
    engine: 'oc-mirror',
    generation: 1,
    planDigest: digestOf(''),
    imageSetDigest: digestOf(''),
    volumeSizeBytes: Number.MAX_SAFE_INTEGER,
    assumed: [...needed].filter((digest) => !found.blobs.has(digest)).sort(),
    volumes: volumes.map(({ name, sizeBytes }) => ({ name, size: sizeBytes })),
    images: images?.images ?? [],
    repositories,
    blobs,
    files,
    assumedFiles: [],
    releases: [],
    catalogs: [],
  };
}

function invalid(volume: string, member: ScannedMember, why: string): AirlockError {
  return new AirlockError('BUNDLE_INVALID', `${volume}: ${member.path} (byte ${member.headerOffset}) ${why}`);
}
