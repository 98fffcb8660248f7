import type { Run } from '../../core/run.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import type { AppendChange } from '../layer/append-layers.ts';
import { readDiskFile } from '../layer/open-layer.ts';
import { tarEnd, tarHeader, tarPadding } from '../layer/tar-writer.ts';
import { type WrittenLayer, writeLayer } from '../layer/write-layer.ts';
import type { FilteredFile } from './spill.ts';

/** Image config label that says where an image has its file-based catalog. */
export const configsLabel = 'operators.operatorframework.io.index.configs.v1';

/**
 * What a rebuilt catalog is beside its layers: always OCI, serving the filtered folder (reference §7.7). No cache is named: that in the image is of
 * the old content, and opm refuses to start with one that does not fit. An entrypoint that says `serve` itself would say it twice.
 */
export const catalogChange: AppendChange = {
  family: 'oci',
  cmd: ['serve', '/configs'],
  endsEntrypoint: 'serve',
  labels: { [configsLabel]: '/configs' },
};

/**
 * The two layers that every instance gets: a whiteout of the old `/configs`, and the filtered one (reference §7.7). Modes 0644 and 0755,
 * since catalog pods run as arbitrary users.
 */
export async function writeCatalogLayers(
  files: readonly FilteredFile[],
  kept: KeptBlobs,
  run: Run,
): Promise<readonly [WrittenLayer, WrittenLayer]> {
  const whiteout = [tarHeader({ path: '.wh.configs', kind: 'file', sizeBytes: 0, mode: 0 }), tarEnd];
  return [await writeLayer(whiteout, kept, run), await writeLayer(configBlocks(files, kept, run), kept, run)];
}

async function* configBlocks(files: readonly FilteredFile[], kept: KeptBlobs, run: Run): AsyncGenerator<Buffer> {
  yield tarHeader({ path: 'configs', kind: 'folder', sizeBytes: 0, mode: 0o755 });
  const folders = new Set<string>();
  for (const file of files) {
    const folder = file.path.split('/').slice(0, -1).join('/');
    if (folder !== '' && !folders.has(folder))
      yield tarHeader({ path: `configs/${folder}`, kind: 'folder', sizeBytes: 0, mode: 0o755 });
    folders.add(folder);
    yield tarHeader({ path: `configs/${file.path}`, kind: 'file', sizeBytes: file.sizeBytes, mode: 0o644 });
    yield* readDiskFile(kept.path(file.sha256), run);
    yield tarPadding(file.sizeBytes);
  }
  yield tarEnd;
}
