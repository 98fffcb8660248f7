import { AirlockError } from '../core/errors.ts';
import { digestAlgorithm, digestOf, isDigest, isRepository, isTag } from '../oci/index.ts';
import { type BundleIndex, bundleNames, volumeNumber } from './format.ts';
import { compareFiles } from './members.ts';

/** The largest blob or file that is believed: 8 TiB. */
const sizeLimit = 8 * 1024 ** 4;

/**
 * Checks an index that came from outside: types of all that later code uses, digests, names that stay below their root, no duplicates.
 * @throws AirlockError BUNDLE_INVALID
 */
export function checkIndex(value: Record<string, unknown>): BundleIndex {
  need(value['apiVersion'] === 'airlock/v1alpha1', 'it is of a version that this tool does not know');
  need(value['kind'] === 'BundleIndex', 'it is not a BundleIndex');
  need(isTime(value['createdAt']), 'its time is not a time');
  need(isCount(value['generation']) && value['generation'] >= 1 && value['generation'] <= 999_999, 'its generation');
  need(value['engine'] === 'builtin' || value['engine'] === 'oc-mirror', 'its engine');
  need(isCount(value['volumeSizeBytes']) && value['volumeSizeBytes'] > 0, 'its volume size');
  for (const key of ['planDigest', 'imageSetDigest']) need(isDigestText(value[key]), `its ${key}`);
  need(value['siteDigest'] === undefined || isDigestText(value['siteDigest']), 'its siteDigest');
  need(isText(value['toolVersion']), 'its toolVersion');
  checkParent(value['parent']);
  for (const digest of list(value['assumed'])) need(isDigestText(digest), 'an assumed digest');
  checkVolumes(list(value['volumes']));
  checkBlobs(list(value['blobs']));
  checkRepositories(list(value['repositories']));
  checkFiles(list(value['files']));
  for (const file of list(value['assumedFiles'])) checkFile(record(file));
  for (const image of list(value['images'])) checkImage(record(image));
  for (const key of ['releases', 'catalogs']) for (const item of list(value[key])) record(item);
  return value as unknown as BundleIndex;
}

/** Whether a relative path stays below its root, spelled in the one canonical way. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.length > 4096 || /[\u0000-\u001f\u007f\\]/.test(path)) return false;
  return path.split('/').every((element) => element !== '' && element !== '.' && element !== '..');
}

function checkParent(parent: unknown): void {
  if (parent === undefined) return;
  need(isCount(record(parent)['generation']) && isDigestText(record(parent)['indexDigest']), 'its parent');
}

function checkVolumes(volumes: readonly unknown[]): void {
  need(volumes.length > 0 && volumes.length <= 1_000_000, 'its volumes');
  let before = -1;
  for (const volume of volumes) {
    const { name, size, sha256 } = record(volume);
    const number = isText(name) ? volumeNumber(name) : undefined;
    need(number !== undefined && number > before && isCount(size), 'a volume');
    need(sha256 === undefined || isHex(sha256), 'a volume digest');
    before = number ?? before;
  }
}

function checkBlobs(blobs: readonly unknown[]): void {
  let before = '';
  for (const item of blobs) {
    const { digest, size, offset, volume, kind, mediaType } = record(item);
    need(isDigestText(digest) && digest > before, 'blobs are not sorted by digest');
    need(isSize(size) && isCount(offset) && isCount(volume), `blob ${String(digest)}`);
    need(kind === 'manifest' || kind === 'config' || kind === 'layer', `blob ${String(digest)}`);
    need(isText(mediaType) && (size !== 0 || isEmpty(String(digest))), `blob ${String(digest)}`);
    before = String(digest);
  }
}

function checkRepositories(repositories: readonly unknown[]): void {
  const names = new Set<string>();
  for (const item of repositories) {
    const { name, tags } = record(item);
    need(isText(name) && isRepository(name) && !names.has(name), 'a repository name');
    names.add(String(name));
    for (const tag of Object.keys(record(tags))) need(isTag(tag), `a tag of ${String(name)}`);
  }
}

function checkFiles(files: readonly unknown[]): void {
  const reserved: readonly string[] = [bundleNames.index, bundleNames.signature, bundleNames.checksums];
  let before: { readonly path: string; readonly role: string } | undefined;
  const seen = new Set<string>();
  for (const item of files) {
    const file = record(item);
    checkFile(file);
    const { path, role } = { path: String(file['path']), role: String(file['role']) };
    need(isCount(file['offset']) && isCount(file['volume']), `file ${path}`);
    need(!path.startsWith('docker/') && !reserved.includes(path) && !seen.has(path), `file ${path}`);
    need(before === undefined || compareFiles(before, { path, role }) < 0, 'files are not in their order');
    before = { path, role };
    seen.add(path);
  }
}

function checkFile(file: Record<string, unknown>): void {
  const { path, size, sha256, mode, role, origin, webPath } = file;
  need(isText(path) && isSafePath(path), 'a file name leaves the bundle');
  need(isSize(size) && isHex(sha256) && isText(role) && isText(origin), `file ${String(path)}`);
  need(isCount(mode) && mode <= 0o777 && (size !== 0 || isEmpty(`sha256:${sha256}`)), `file ${String(path)}`);
  need(webPath === undefined || (isText(webPath) && isSafePath(webPath.replace(/^\//, ''))), `file ${String(path)}`);
}

function checkImage(image: Record<string, unknown>): void {
  const { repository, tag, digest, origin, type } = image;
  need(isText(repository) && isRepository(repository) && isText(tag) && isTag(tag), 'an image name');
  need(isDigestText(digest) && isText(origin) && isText(type), 'an image');
  for (const digest of list(image['absent'])) need(isDigestText(digest), 'an absent instance');
  for (const target of list(image['targets'])) {
    const name = record(target);
    need(isText(name['repository']) && isRepository(name['repository']), 'a target name');
    need(isText(name['tag']) && isTag(name['tag']), 'a target tag');
  }
}

function need(fine: boolean, what: string): void {
  if (fine) return;
  throw new AirlockError('BUNDLE_INVALID', `the index of the bundle cannot be used: ${what}`, {
    hint: 'copy the bundle again, or verify the copy on the connected side',
  });
}

function list(value: unknown): readonly unknown[] {
  need(Array.isArray(value), 'a list is missing');
  return value as readonly unknown[];
}

function record(value: unknown): Record<string, unknown> {
  need(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object is missing');
  return value as Record<string, unknown>;
}

/** Members without data have nothing that could be hashed later. */
function isEmpty(digest: string): boolean {
  return isDigest(digest) && digest === digestOf('', digestAlgorithm(digest));
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isSize = (value: unknown): value is number => isCount(value) && value <= sizeLimit;
const isHex = (value: unknown): value is string => isText(value) && /^[0-9a-f]{64}$/.test(value);
const isDigestText = (value: unknown): value is string => isText(value) && isDigest(value);
const isTime = (value: unknown): value is string =>
  isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value));
