import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes: begun last, they would keep one worker busy when all others are done. The slowest first. */
const slow = [
  'workflow/kill-load-registry',
  'workflow/kill-load',
  'golden/cases',
  'bundle/faults',
  'bundle/damage',
  'bundle/kill',
  'journeys/28-systemd',
  'golden/unseen',
];

/** Vitest's order, which is by size where no earlier run is known, behind the files that are slow whatever their size. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? slow.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
