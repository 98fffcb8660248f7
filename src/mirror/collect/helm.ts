import { createHash } from 'node:crypto';
import type { HelmSelection } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import { redactUrl } from '../../core/http-errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { type Chart, readChartArchive, readChartFolder } from '../helm/chart.ts';
import { estimateImages } from '../helm/estimate.ts';
import { findImages, standardImagePaths } from '../helm/image-paths.ts';
import { chartReason } from '../helm/reason.ts';
import { renderChart } from '../helm/render.ts';
import { type ChartEntry, parseRepositoryIndex, selectChart } from '../helm/repository.ts';
import { parseHttpUrl } from '../http-access.ts';
import { imageStorageName, parseImageName } from '../naming.ts';
import { addNote, type Collector, orMissing } from './collector.ts';
import { addImage } from './image.ts';
import { keepWorkingFile } from './working-files.ts';

type HelmChart = HelmSelection['local'][number];
type HelmRepository = HelmSelection['repositories'][number];

/** A chart, and where its package or folder lies for `helm`. */
interface FoundChart {
  readonly chart: Chart;
  readonly place: string;
}

/** Adds the images of Helm charts, and the charts themselves for those who load the bundle (reference §8.3). */
export async function collectHelm(collector: Collector, helm: HelmSelection, run: Run): Promise<void> {
  for (const chart of helm.local) {
    const origin = chart.path ?? chart.name ?? 'chart without path';
    await orMissing(collector, { type: 'helmImage', origin }, async () =>
      addChart(collector, chart, await readLocal(collector, chart, run), run),
    );
  }
  for (const repository of helm.repositories)
    await orMissing(collector, { type: 'helmImage', origin: redactUrl(repository.url) }, () =>
      collectRepository(collector, repository, run),
    );
}

async function readLocal(collector: Collector, chart: HelmChart, run: Run): Promise<FoundChart> {
  if (!chart.path) throw new AirlockError('HELM_CHART_INVALID', 'a local chart has no path');
  const stat = await run.disk.stat(chart.path);
  if (stat?.kind === 'directory') return { chart: await readChartFolder(chart.path, run), place: chart.path };
  return keepChart(collector, await readFileLimited(chart.path, run), chart.path, run);
}

async function keepChart(collector: Collector, bytes: Buffer, origin: string, run: Run): Promise<FoundChart> {
  const digest = await collector.kept.put(bytes, run);
  return { chart: await readChartArchive(bytes, origin), place: collector.kept.path(digest) };
}

async function collectRepository(collector: Collector, repository: HelmRepository, run: Run): Promise<void> {
  const base = parseHttpUrl(repository.url).href.replace(/(?:\/|\/index\.yaml)?$/, '/');
  const url = `${base}index.yaml`;
  const { status, body } = await collector.http.getUrl(url, { accept: '*/*' }, run);
  if (status !== 200) throw new AirlockError('HELM_REPOSITORY_INVALID', `${redactUrl(url)}: HTTP ${status}`);
  const entries = parseRepositoryIndex(body.toString('utf8'), url);
  const isAll = repository.charts.length === 0;
  if (isAll)
    await keepWorkingFile(
      collector,
      `helm/indexes/${indexFolder(repository.url)}/index.yaml`,
      body,
      redactUrl(url),
      run,
    );
  const wanted: HelmChart[] = isAll
    ? entries
        .filter((entry) => !entry.isLibrary)
        .map((entry) => ({ name: entry.name, version: entry.version, imagePaths: [], platforms: [] }))
    : [...repository.charts];
  await mapLimited(wanted, 4, (chart) =>
    orMissing(
      collector,
      { type: 'helmImage', origin: `${redactUrl(repository.url)} ${chart.name ?? ''}` },
      async () => {
        const entry = selectChart(entries, chart.name ?? '', chart.version);
        await addChart(collector, { ...chart, repository: base }, await fetchChart(collector, entry, run), run);
      },
    ),
  );
}

/**
 * Where real oc-mirror looks for the index when it loads the bundle: what the URL has between its scheme and its last slash, as it is written
 * (reference §4.7). Without a password, and without what would lead out of the folder.
 */
function indexFolder(url: string): string {
  const written = url
    .replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1')
    .split('/')
    .slice(2, -1);
  const plain = written.every((part) => /^[\w.:[\]~%+-]*[\w\]~%+-]$/.test(part));
  return plain && written.length > 0 ? written.join('/') : parseHttpUrl(url).host;
}

async function fetchChart(collector: Collector, entry: ChartEntry, run: Run): Promise<FoundChart> {
  const { status, body } = await collector.http.getUrl(parseHttpUrl(entry.url).href, { accept: '*/*' }, run);
  if (status !== 200) throw new AirlockError('HELM_CHART_UNKNOWN', `${redactUrl(entry.url)}: HTTP ${status}`);
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (entry.digest && entry.digest !== sha256)
    throw new AirlockError(
      'DIGEST_MISMATCH',
      `digest of ${redactUrl(entry.url)} does not match its index: got ${sha256}`,
      {
        side: 'source',
      },
    );
  const found = await keepChart(collector, body, redactUrl(entry.url), run);
  const path = `working-dir/helm/charts/${entry.name}-${entry.version}.tgz`;
  if (!collector.files.some((file) => file.path === path)) {
    collector.files.push({
      path,
      sizeBytes: body.length,
      sha256,
      mode: 0o644,
      role: 'working-dir',
      content: { kind: 'kept' },
      origin: redactUrl(entry.url),
    });
  }
  return found;
}

/** `repository`: its URL; left out for a local chart. */
async function addChart(
  collector: Collector,
  wanted: HelmChart & { readonly repository?: string },
  found: FoundChart,
  run: Run,
): Promise<void> {
  const { chart } = found;
  if (chart.isLibrary) return;
  const images = await chartImages(collector, found, [...standardImagePaths, ...wanted.imagePaths], run);
  const subject = `chart ${chart.name} ${chart.version}`;
  if (images.length === 0)
    addNote(collector, { code: 'HELM_CHART_WITHOUT_IMAGES', subject, message: 'no images were found in it' }, run);
  await mapLimited(images, collector.options.parallel ?? 8, (image) =>
    orMissing(collector, { type: 'helmImage', origin: image }, () =>
      addImage(
        collector,
        {
          type: 'helmImage',
          origin: image,
          ...imageStorageName(parseImageName(image)),
          platforms: wanted.platforms,
          reason: chartReason(chart, wanted.repository),
        },
        run,
      ),
    ),
  );
}

/** Rendered with `helm` where there is one; else read from templates and default values, which a note says. */
async function chartImages(
  collector: Collector,
  found: FoundChart,
  paths: readonly string[],
  run: Run,
): Promise<string[]> {
  const { chart, place } = found;
  const rendered = await renderChart(collector.options.helmProgram ?? 'helm', chart, place, run);
  if (rendered !== undefined) return [...new Set(rendered.flatMap((document) => findImages(document, paths)))].sort();
  addNote(
    collector,
    {
      code: 'HELM_NOT_RENDERED',
      subject: `chart ${chart.name} ${chart.version}`,
      message:
        'helm is not installed, so its images are those that its templates and default values name plainly; check them, or install helm',
    },
    run,
  );
  return estimateImages(chart);
}
