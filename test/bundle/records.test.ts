import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listLoaded, loadIntoStorage, readHistory } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

const run = quietRun();

describe.each(['', '{"gener', 'null', '[1]', '{"generation":"1"}'])('a record that was damaged to %j', (text) => {
  test('of a workspace is told with its path and what to do', async () => {
    const folder = await temporaryFolder();
    await buildSample(makeSample(), folder);
    const workspace = path.join(folder, '.airlock');
    const file = path.join(workspace, 'generations/000001.json');
    await writeFile(file, text);
    await expect(readHistory(workspace, run)).rejects.toMatchObject({
      code: 'RECORD_DAMAGED',
      message: `${file} is damaged`,
      hint: expect.stringContaining('remove that file'),
    });
  });

  test('of a site is told so too, and the load that is asked for puts it right', async () => {
    const folder = await temporaryFolder();
    await buildSample(makeSample(), folder);
    const stateFolder = path.join(folder, 'state');
    const options = { bundle: await openOne(folder), storageRoot: path.join(folder, 'storage'), stateFolder };
    await loadIntoStorage(options, run);
    const file = path.join(stateFolder, 'generations/000001/load.json');
    await writeFile(file, text);
    await expect(loadIntoStorage(options, run)).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
    await rm(file);
    expect(await loadIntoStorage(options, run)).toMatchObject({ kind: 'loaded', placedBlobs: 0 });
    expect(await listLoaded(stateFolder, run)).toMatchObject([{ record: { generation: 1 } }]);
  });
});
