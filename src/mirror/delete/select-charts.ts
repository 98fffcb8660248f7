import path from 'node:path';
import type { DeleteImageSet, HelmChart } from '../../config/index.ts';
import { findLenientVersion } from '../../config/index.ts';
import type { SelectedImage } from '../../plan/index.ts';
import { findVersionConstraint } from '../version-constraint.ts';

/** Whether all charts that an image was carried for (`chart NAME VERSION`, joined by `; `) are among those that a deletion names. */
export function chartTest(helm: DeleteImageSet['delete']['helm']): (image: SelectedImage) => boolean {
  const tests = [...helm.repositories.flatMap((one) => one.charts.map(inRepository)), ...helm.local.map(inFolder)];
  return (image) =>
    image.reason.split('; ').every((use) => {
      const [, name, version] = /^chart (\S+) (\S+)$/.exec(use) ?? [];
      return name !== undefined && version !== undefined && tests.some((test) => test(name, version));
    });
}

type ChartTest = (name: string, version: string) => boolean;

/** A chart of a repository; without version, each one that is there. */
function inRepository(chart: HelmChart): ChartTest {
  const wanted = chart.version;
  if (!wanted) return (name) => name === chart.name;
  const holds = findVersionConstraint(wanted);
  return (name, version) => {
    if (name !== chart.name) return false;
    if (version.replace(/^v/, '') === wanted.replace(/^v/, '')) return true;
    const parsed = findLenientVersion(version);
    return parsed !== undefined && holds?.(parsed) === true;
  };
}

/** A local chart: the file or folder may be elsewhere, or nowhere, inside the gap, so its name says which one it is. */
function inFolder(chart: HelmChart): ChartTest {
  const file = path.posix.basename(chart.path ?? '').replace(/\.tgz$/, '');
  return (name, version) => file === `${name}-${version}` || file === name || chart.name === name;
}
