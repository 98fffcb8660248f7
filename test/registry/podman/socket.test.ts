import { createServer } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { findEngine } from '../../../src/registry/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

test('a socket that takes connections and never answers is no engine', async () => {
  const containerHost = path.join(await temporaryFolder(), 'podman.sock');
  const server = createServer(() => {}).listen(containerHost);
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await findEngine({ containerHost, userId: 0 }, quietRun(), 200)).toBeUndefined();
});
