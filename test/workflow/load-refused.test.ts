import path from 'node:path';
import { expect, test } from 'vitest';
import { renderLoad } from '../../src/cli/commands/load.ts';
import { quietRun } from '../../src/core/run.ts';
import { type LoadResult, load } from '../../src/workflow/load.ts';
import { buildSample } from '../bundle/build-sample.ts';
import { makeSample } from '../bundle/sample.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { startScriptedRegistry } from '../helpers/scripted-registry.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const manifest = 'sha256:'.padEnd(71, 'a');

test('a registry that does not create repositories is said so once, with what to do', async () => {
  const folder = await temporaryFolder();
  await buildSample(makeSample(), folder);
  const registry = await startScriptedRegistry({
    prank: ({ method }) => (method === 'POST' ? { kind: 'answer', status: 404, body: 'Not found.' } : undefined),
  });
  const result = await load(
    {
      bundle: folder,
      target: { kind: 'registry', registry: registry.host, prefix: 'nobody' },
      outputFolder: path.join(folder, 'resources'),
      source: sourceSettings({}, folder),
      targetSettings: { tlsVerify: false },
    },
    quietRun(),
  );
  expect(result).toMatchObject({ state: 'partial', copied: { pushedBlobs: 0, pushedManifests: 0 } });
  const text = renderLoad(result);
  expect(text.match(/make the repository \(ECR\) or its organization/g)).toHaveLength(1);
  expect(text).toMatch(/^missing: \S+: blob sha256:\w+ to 127.0.0.1:\d+\/nobody\/\S+: POST http:\S+: status 404$/m);
  expect(text).toMatch(/^\d+ manifests not written, since parts of them were not$/m);
  expect(text).not.toContain('not written, since its part');
});

test('of many failures the first causes are shown, and how many more there are', () => {
  const causes = Array.from({ length: 30 }, (_, at) => ({ subject: `kitchen/app-${at}`, cause: 'status 500' }));
  const followed = { subject: 'kitchen/app', cause: `its part ${manifest}`, code: 'IMAGE_INCOMPLETE' };
  const copied = { pushedBlobs: 0, pushedBytes: 0, failures: [followed, ...causes], waiting: [] };
  const result = {
    state: 'partial',
    generations: [],
    neededPieces: [],
    clusterResources: [],
    target: 'docker://kitchen',
    copied,
  };
  const lines = renderLoad(result as unknown as LoadResult).split('\n');
  expect(lines.filter((line) => line.startsWith('missing: '))).toHaveLength(21);
  expect(lines).toContain('missing: 10 more (-o json lists all)');
  expect(lines).toContain('1 manifest not written, since parts of them were not');
});
