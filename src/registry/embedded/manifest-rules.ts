import { mapLimited } from '../../core/limit.ts';
import { childManifests, type Descriptor, type Manifest, manifestBlobs } from '../../oci/index.ts';
import type { ServerContext } from './context.ts';
import { Refusal } from './respond.ts';

/**
 * Holds that everything that a manifest names is in the repository before the manifest is, as distribution does: config and layers of an
 * image (layers that carry URLs may be elsewhere), children of an index; the server's `SparseRule` loosens that. A subject may be missing:
 * the specification lets referrers come first.
 * @throws Refusal MANIFEST_BLOB_UNKNOWN
 */
export async function assertComplete(context: ServerContext, repository: string, manifest: Manifest): Promise<void> {
  const { store, run, sparse } = context;
  const missing = async (wanted: readonly Descriptor[], has: (one: Descriptor) => Promise<boolean>): Promise<void> => {
    const there = await mapLimited(wanted, 8, has);
    const absent = wanted.filter((_, at) => !there[at]).map(({ digest }) => digest);
    if (absent.length > 0)
      throw new Refusal('MANIFEST_BLOB_UNKNOWN', `${repository} does not have ${absent.join(', ')}`);
  };
  await missing(manifestBlobs(manifest), async (blob) => {
    if (blob.urls !== undefined && blob.urls.length > 0) return true;
    // Without its config nobody can tell what an image is for: that one has to be here in any case.
    if (sparse === 'all' && manifest.kind === 'image' && blob.digest !== manifest.config.digest) return true;
    return (
      (await store.hasLayer(repository, blob.digest, run)) && (await store.findBlob(blob.digest, run)) !== undefined
    );
  });
  if (sparse === 'none')
    await missing(childManifests(manifest), (child) => store.hasRevision(repository, child.digest, run));
}
