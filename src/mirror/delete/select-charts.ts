import path from 'node:path';
import type { DeleteImageSet, HelmChart } from '../../config/index.ts';
import { findLenientVersion } from '../../config/index.ts';
import type { SelectedImage } from '../../plan/index.ts';
import { type ChartUse, isSameRepository, parseChartReason } from '../helm/reason.ts';
import { findVersionConstraint } from '../version-constraint.ts';

/**
 * Whether all charts that an image was carried for are among those that a deletion names. A repository without a list of charts means all that
 * came from it: oc-mirror reads their names and versions from the index that it kept.
 */
export function chartTest(helm: DeleteImageSet['delete']['helm']): (image: SelectedImage) => boolean {
  const tests = [...helm.repositories.flatMap(inWholeOrListed), ...helm.local.map(inFolder)];
  return (image) =>
    image.reason.split('; ').every((reason) => {
      const use = parseChartReason(reason);
      return use !== undefined && tests.some((test) => test(use));
    });
}

type ChartTest = (use: ChartUse) => boolean;

function inWholeOrListed({ url, charts }: DeleteImageSet['delete']['helm']['repositories'][number]): ChartTest[] {
  if (charts.length > 0) return charts.map(inRepository);
  return [({ repository }) => repository !== undefined && isSameRepository(repository, url)];
}

/** A chart of a repository; without version, each one that is there. */
function inRepository(chart: HelmChart): ChartTest {
  const wanted = chart.version;
  if (!wanted) return ({ name }) => name === chart.name;
  const holds = findVersionConstraint(wanted);
  return ({ name, version }) => {
    if (name !== chart.name) return false;
    if (version.replace(/^v/, '') === wanted.replace(/^v/, '')) return true;
    const parsed = findLenientVersion(version);
    return parsed !== undefined && holds?.(parsed) === true;
  };
}

/** A local chart: the file or folder may be elsewhere, or nowhere, inside the gap, so its name says which one it is. */
function inFolder(chart: HelmChart): ChartTest {
  const file = path.posix.basename(chart.path ?? '').replace(/\.tgz$/, '');
  return ({ name, version }) => file === `${name}-${version}` || file === name || chart.name === name;
}
