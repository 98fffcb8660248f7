import { digestAlgorithm, digestHex } from '../../oci/index.ts';
import type { CatalogImage } from './catalog-image.ts';
import type { Collector } from './collector.ts';
import { addWorkingFile, linkWorkingFile } from './working-files.ts';

/**
 * Adds a whole catalog of an `oci://` folder as an image layout below `working-dir/`: real oc-mirror reads its file-based catalog again from there
 * when it loads the bundle, where the folder itself need not be (golden case 05n5). All manifests, and of the first image, whose catalog counts, the rest.
 */
export function addCatalogLayout(collector: Collector, image: CatalogImage, folder: string, origin: string): void {
  const { root, manifests } = image.closure;
  const layout = `${folder}/catalog-image`;
  const { mediaType, digest, size } = root;
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ mediaType, digest, size }],
  };
  addWorkingFile(collector, `${layout}/oci-layout`, Buffer.from('{"imageLayoutVersion":"1.0.0"}'), origin);
  addWorkingFile(collector, `${layout}/index.json`, Buffer.from(JSON.stringify(index)), origin);
  const first = image.instances[0]?.manifest.blobs ?? [];
  for (const blob of [...manifests, ...first])
    if (digestAlgorithm(blob.digest) === 'sha256')
      linkWorkingFile(collector, `${layout}/blobs/sha256/${digestHex(blob.digest)}`, blob, origin);
}
