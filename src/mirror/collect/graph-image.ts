import zlib from 'node:zlib';
import type { PlatformSelection } from '../../config/index.ts';
import { AirlockError, errorText } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';
import type { Run } from '../../core/run.ts';
import { mediaTypes, parseReference } from '../../oci/index.ts';
import { appendLayers, type BuiltManifest, buildIndex } from '../layer/append-layers.ts';
import { readTar } from '../layer/tar-reader.ts';
import { tarEnd, tarHeader, tarPadding } from '../layer/tar-writer.ts';
import { writeLayer } from '../layer/write-layer.ts';
import { readClosure } from './closure.ts';
import { type Collector, orMissing } from './collector.ts';
import { gatherBuilt, readInstances } from './instances.ts';
import { graphDataUrl } from './options.ts';

const baseImage = 'registry.access.redhat.com/ubi9/ubi:latest';
const dataFolder = 'var/lib/cincinnati-graph-data';
const graphLimitBytes = 1 << 30;

/** What OpenShift Update Service runs: an init container that puts the graph data where it looks for them. */
const graphCommand = ['/bin/bash', '-c', `exec cp -rp /${dataFolder}/* /var/lib/cincinnati/graph-data`];

/**
 * Builds the Cincinnati graph-data image (`graph: true`, reference §6.7): the graph data as one layer over ubi9, each of its instances.
 * With an update service of one's own it is not built, since its graph data are not Red Hat's, unless their URL is given.
 */
export async function collectGraphImage(collector: Collector, platform: PlatformSelection, run: Run): Promise<void> {
  if (!platform.graph) return;
  await orMissing(collector, { type: 'cincinnatiGraph', origin: graphOrigin }, () => addGraphImage(collector, run));
}

const graphOrigin = 'openshift/graph-image:latest';

async function addGraphImage(collector: Collector, run: Run): Promise<void> {
  const { updateUrl, graphUrl } = collector.options;
  if (updateUrl && !graphUrl) {
    throw new AirlockError('GRAPH_UNAVAILABLE', 'the graph image is not built for an update service of your own', {
      hint: 'name the URL of its graph data too, or set graph: false',
    });
  }
  if (collector.isBlocked(`/${graphOrigin}`)) return;
  const reference = parseReference(baseImage);
  const closure = await readClosure(collector, reference, [], run);
  const instances = await readInstances(collector, closure, reference, run);
  const files = await fetchGraphData(collector, graphUrl ?? graphDataUrl, run);
  const written = await writeLayer(graphBlocks(files), collector.kept, run);
  const isDocker =
    closure.root.mediaType === mediaTypes.dockerList || closure.root.mediaType === mediaTypes.dockerManifest;
  const family = isDocker ? 'docker' : 'oci';
  const built: BuiltManifest[] = [];
  for (const instance of instances)
    built.push(await appendLayers(instance, [written], { family, cmd: graphCommand }, collector.kept, run));
  const index = await buildIndex(built, family, collector.kept, run);
  for (const one of [...built, index]) gatherBuilt(collector, one, closure, reference);
  const name = { repository: 'openshift/graph-image', tag: 'latest' };
  collector.images.push({
    type: 'cincinnatiGraph',
    origin: graphOrigin,
    source: 'kept:',
    ...name,
    targets: [name],
    digest: index.digest,
    mediaType: index.mediaType,
    absent: [],
    signature: 'unsigned',
    reason: 'update graph for OpenShift Update Service',
  });
}

/** The files of the graph data, by path. */
async function fetchGraphData(collector: Collector, url: string, run: Run): Promise<Map<string, Buffer>> {
  const { status, body } = await collector.http.getUrl(url, { accept: '*/*' }, run);
  if (status !== 200) throw new AirlockError('GRAPH_UNAVAILABLE', `${redactText(url)}: HTTP ${status}`);
  const files = new Map<string, Buffer[]>();
  try {
    const tar = zlib.gunzipSync(body, { maxOutputLength: graphLimitBytes });
    await readTar([tar], (member) => {
      if (member.kind !== 'file' || member.name.split('/').includes('..')) return undefined;
      const parts: Buffer[] = [];
      files.set(member.name, parts);
      return (chunk) => {
        parts.push(chunk);
      };
    });
  } catch (error) {
    throw new AirlockError('GRAPH_UNAVAILABLE', `${redactText(url)} is no gzipped tar archive: ${errorText(error)}`, {
      cause: error,
    });
  }
  return new Map([...files].map(([name, parts]) => [name, Buffer.concat(parts)]));
}

function* graphBlocks(files: ReadonlyMap<string, Buffer>): Generator<Buffer> {
  const folders = new Set([dataFolder]);
  for (const name of files.keys()) {
    const parts = name.split('/');
    for (let depth = 1; depth < parts.length; depth += 1)
      folders.add(`${dataFolder}/${parts.slice(0, depth).join('/')}`);
  }
  for (const path of [...folders].sort()) yield tarHeader({ path, kind: 'folder', sizeBytes: 0, mode: 0o755 });
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield tarHeader({ path: `${dataFolder}/${name}`, kind: 'file', sizeBytes: content.length, mode: 0o644 });
    yield content;
    yield tarPadding(content.length);
  }
  yield tarEnd;
}
