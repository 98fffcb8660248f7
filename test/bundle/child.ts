import path from 'node:path';
import { loadIntoStorage } from '../../src/bundle/index.ts';
import { type Disk, nodeDisk } from '../../src/core/disk.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { buildSample, openOne } from './build-sample.ts';
import { journalSample, makeSample, sampleSources } from './sample.ts';

// Run as a process of its own, to be killed: `build DIR` or `load BUNDLES DIR`, on the sample of kill.test.ts, with a source that takes its time.
// `journal DIR N` commits whenever it can, and kills itself just before what it does to the journal for the Nth time.
const [verb = '', folder = '', target = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const sample = makeSample({ volumeSizeBytes: 2_000_000 });
  const pause = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 2));
  };
  if (verb === 'build') {
    const outcome = await buildSample(sample, folder, {
      sources: sampleSources(sample, { pieceBytes: 32 << 10, onPiece: pause }),
    });
    process.stdout.write(`${outcome.kind}\n`);
    return;
  }
  if (verb === 'journal') {
    // Slow enough for a commit to end before the next member does.
    const sources = sampleSources(journalSample, { onPiece: () => new Promise((resolve) => setTimeout(resolve, 50)) });
    const options = { parallelBlobs: 1, sources };
    const outcome = await buildSample(journalSample, folder, options, dyingRun(Number(target)));
    process.stdout.write(`${outcome.kind}\n`);
    return;
  }
  const bundle = await openOne(folder);
  const options = { bundle, storageRoot: path.join(target, 'storage'), stateFolder: path.join(target, 'state') };
  process.stdout.write(`${(await loadIntoStorage(options, quietRun())).kind}\n`);
}

function dyingRun(at: number): Run {
  let steps = 0;
  let clock = Date.parse('2026-11-20T10:00:00Z');
  const step = (): void => {
    steps += 1;
    if (steps === at) process.kill(process.pid, 'SIGKILL');
  };
  const disk: Disk = {
    ...nodeDisk,
    async open(file, access, mode) {
      const handle = await nodeDisk.open(file, access, mode);
      if (path.basename(file) !== 'journal') return handle;
      const { write, sync } = { write: handle.write.bind(handle), sync: handle.sync.bind(handle) };
      handle.write = async (bytes, position) => {
        step();
        await write(bytes, position);
      };
      handle.sync = async () => {
        step();
        await sync();
      };
      return handle;
    },
    async remove(file) {
      if (path.basename(file) === 'journal') step();
      await nodeDisk.remove(file);
    },
  };
  // So much time goes by between two looks at the clock that a commit is always due.
  const now = (): Date => {
    clock += 10_000;
    return new Date(clock);
  };
  return quietRun({ disk, now });
}

void main();
