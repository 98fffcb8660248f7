import path from 'node:path';
import { loadIntoStorage } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample, sampleSources } from './sample.ts';

// Run as a process of its own, to be killed: `build DIR` or `load BUNDLES DIR`, on the sample of kill.test.ts, with a source that takes its time.
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
  const bundle = await openOne(folder);
  const options = { bundle, storageRoot: path.join(target, 'storage'), stateFolder: path.join(target, 'state') };
  process.stdout.write(`${(await loadIntoStorage(options, quietRun())).kind}\n`);
}

void main();
