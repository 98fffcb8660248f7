import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { quietRun } from '../../src/core/run.ts';
import { warnOfFolderWords } from '../../src/workflow/folder-words.ts';

function warnings(folder: string): RunEvent[] {
  const events: RunEvent[] = [];
  warnOfFolderWords(folder, { ...quietRun(), report: (event) => void events.push(event) });
  return events;
}

describe('a folder that real oc-mirror would refuse', () => {
  test.each([
    ['/srv/catalogs/out', 'logs'],
    ['/srv/deleted', 'delete'],
    ['/srv/my-helm-set', 'helm'],
  ])('is warned of: %s', (folder, word) => {
    expect(warnings(folder)).toMatchObject([{ level: 'warning', message: expect.stringContaining(`"${word}"`) }]);
  });

  test('is no other', () => {
    expect(warnings('/srv/bundles/out')).toEqual([]);
  });
});
