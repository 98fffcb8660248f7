import type { Run } from '../core/run.ts';

/** Real oc-mirror refuses a path that holds one of these anywhere (oc-mirror-v2.md §2.2): `catalogs` holds `logs`. */
const refusedWords = [
  'cluster-resources',
  'dry-run',
  'graph-preparation',
  'helm',
  'hold-operator',
  'hold-release',
  'delete',
  'logs',
  'operator-catalogs',
  'release-images',
  'signatures',
];

/** Warns when real oc-mirror would not load what lies in this folder; Airlock itself does not mind. */
export function warnOfFolderWords(folder: string, run: Run): void {
  const word = refusedWords.find((one) => folder.includes(one));
  if (word === undefined) return;
  const message = `${folder}: real oc-mirror refuses to load from a path with "${word}" in it; airlock does not mind`;
  run.report({ stage: 'build', state: 'log', level: 'warning', message });
}
