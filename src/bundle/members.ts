import { blobPath, type Digest, repositoryLinks } from '../oci/index.ts';
import { type BundleIndex, bundleNames, type IndexedBlob, type IndexedFile, signatureSlotBytes } from './format.ts';

/** What lies in a member, and so where its bytes come from. */
export type MemberContent =
  | { readonly kind: 'index' }
  | { readonly kind: 'signature' }
  | { readonly kind: 'checksums' }
  | { readonly kind: 'link'; readonly digest: Digest }
  | { readonly kind: 'blob'; readonly blob: IndexedBlob }
  | { readonly kind: 'file'; readonly file: IndexedFile };

/** A member before it has a place. */
export interface Member {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly content: MemberContent;
}

/** The mode of everything but files that say otherwise. */
export const memberMode = 0o644;
/** Two lines of `sha256sum`: of the index and of the signature. */
export const checksumsBytes = bundleNames.index.length + bundleNames.signature.length + 2 * (64 + 3);

/** What of an index decides which members there are. */
export type MemberSet = Pick<BundleIndex, 'repositories' | 'blobs' | 'files'>;

/**
 * All members after the index, in the order of the volumes: signature, checksums, the tool and the configuration (so that they are in the
 * first volume whatever the volume size), other airlock files, link files by rule, blobs, working-dir, and `isc_…` last, which real
 * oc-mirror takes as the sign of a complete set.
 */
export function* sequenceMembers(set: MemberSet): Generator<Member> {
  yield { path: bundleNames.signature, size: signatureSlotBytes, mode: memberMode, content: { kind: 'signature' } };
  yield { path: bundleNames.checksums, size: checksumsBytes, mode: memberMode, content: { kind: 'checksums' } };
  yield* fileMembers(set.files, 'front');
  for (const repository of set.repositories) {
    for (const link of repositoryLinks(repository)) {
      const content = { kind: 'link', digest: link.digest } as const;
      yield { path: link.path, size: link.digest.length, mode: memberMode, content };
    }
  }
  for (const blob of set.blobs) {
    yield { path: blobPath(blob.digest), size: blob.size, mode: memberMode, content: { kind: 'blob', blob } };
  }
  yield* fileMembers(set.files, 'back');
}

/** Where a file stands among the members: lower first. Files of 4 and more come after the blobs. */
export function fileRank(file: { readonly path: string; readonly role: string }): number {
  if (file.path === bundleNames.tool) return 0;
  if (file.path.startsWith('isc_')) return 5;
  if (file.path.startsWith('working-dir/')) return 4;
  return file.role === 'config' ? 1 : 2;
}

/** The order of files in the volumes: by rank, then by path. */
export function compareFiles(
  a: { readonly path: string; readonly role: string },
  b: { readonly path: string; readonly role: string },
): number {
  return fileRank(a) - fileRank(b) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

function* fileMembers(files: readonly IndexedFile[], half: 'front' | 'back'): Generator<Member> {
  for (const file of files) {
    if (fileRank(file) >= 4 !== (half === 'back')) continue;
    yield { path: file.path, size: file.size, mode: file.mode, content: { kind: 'file', file } };
  }
}
