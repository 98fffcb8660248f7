import type { Run } from '../core/run.ts';
import { reservedWords } from '../mirror/index.ts';

/** Warns when real oc-mirror would not load what lies in this folder; Airlock itself does not mind. */
export function warnOfFolderWords(folder: string, run: Run): void {
  const word = reservedWords.find((one) => folder.includes(one));
  if (word === undefined) return;
  const message = `${folder}: real oc-mirror refuses to load from a path with "${word}" in it; airlock does not mind`;
  run.report({ stage: 'build', state: 'log', level: 'warning', message });
}
