import { readdir, rm } from 'node:fs/promises';
import http, { type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isAirlockError } from '../../src/core/errors.ts';
import { load } from '../../src/workflow/load.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { createFaultyDisk, type FaultyDisk } from '../helpers/faulty-disk.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';
import { requestOf, stride, undisturbedRun, useLoadKills, withoutPlace } from './load-kills.ts';

const kills = useLoadKills();

describeReal('kill -9 of a load into a registry over HTTP', ['docker-registry'], () => {
  test.each([
    ['of a whole bundle', 'bundle'],
    ['of a bundle that comes on two media', 'media'],
  ] as const)(
    '%s at each request and each step on the disk, then a re-run, leaves what an undisturbed load leaves',
    async (_, kind) => {
      const { host, storage } = await startDockerRegistry();
      const proxy = await startDeadlyProxy(host);
      const target = { kind: 'registry', registry: proxy.host, prefix: 'site' } as const;
      const loads = (into: string) => kills.sources(kind).map((one) => requestOf(one, into, target));
      const stored = async (into: string): Promise<Record<string, string>> => {
        const tree = { ...(await withoutPlace(into)), ...(await listTree(path.join(storage, 'docker'))) };
        return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.includes('/_uploads/')));
      };
      /** Starts with a registry that has nothing. */
      const begin = async (): Promise<string> => {
        await rm(path.join(storage, 'docker'), { recursive: true, force: true });
        proxy.arm(0, true, () => {});
        return temporaryFolder();
      };
      const undisturbed = await begin();
      const whole = await kills.run({ loads: loads(undisturbed), dieAt: 0 });
      const wanted = await stored(undisturbed);
      const [requests, steps] = [proxy.seen(), whole?.steps ?? 0];
      expect(requests).toBeGreaterThan(5);
      expect(steps).toBeGreaterThan(10);
      const deaths = [
        ...Array.from({ length: requests }, (_, at) => ({ request: at + 1, before: true, step: 0 })),
        ...Array.from({ length: requests }, (_, at) => ({ request: at + 1, before: false, step: 0 })),
        ...Array.from({ length: steps }, (_, at) => ({ request: 0, before: true, step: at + 1 })),
      ];
      for (const { request, before, step } of deaths.filter((_, at) => at % stride === 0)) {
        const into = await begin();
        const words = step > 0 ? `killed at step ${step}` : `killed ${before ? 'before' : 'after'} request ${request}`;
        await kills.run({ loads: loads(into), dieAt: step }, (kill) => proxy.arm(request, before, kill));
        proxy.arm(0, true, () => {});
        for (const request of loads(into)) await load(request, undisturbedRun());
        expect(await stored(into), words).toEqual(wanted);
        await rm(into, { recursive: true });
      }
    },
    900_000,
  );

  test('of a bundle that comes on two media, with a disk that fails at every second step, goes on when it is run again', async () => {
    const { host, storage } = await startDockerRegistry();
    const target = { kind: 'registry', registry: host, prefix: 'site' } as const;
    const loadAll = async (into: string, disk: FaultyDisk): Promise<void> => {
      for (const one of kills.sources('media')) await load(requestOf(one, into, target), { ...undisturbedRun(), disk });
    };
    const begin = async (): Promise<string> => {
      await rm(path.join(storage, 'docker'), { recursive: true, force: true });
      return temporaryFolder();
    };
    const stored = async (into: string): Promise<Record<string, string>> => {
      const tree = { ...(await withoutPlace(into)), ...(await listTree(path.join(storage, 'docker'))) };
      return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.includes('/_uploads/')));
    };
    const undisturbed = await begin();
    const counting = createFaultyDisk();
    await loadAll(undisturbed, counting);
    const wanted = await stored(undisturbed);
    expect(counting.operations()).toBeGreaterThan(100);
    for (let at = 1 + (counting.operations() % 2); at <= counting.operations(); at += 2 * stride) {
      const into = await begin();
      const failure = await loadAll(into, createFaultyDisk({ kind: 'ENOSPC', at })).catch((error: unknown) => error);
      if (failure !== undefined)
        expect(isAirlockError(failure) || 'path' in Object(failure), `operation ${at}: ${String(failure)}`).toBe(true);
      // Taken over where the process is gone, as it would be.
      for (const name of await readdir(path.join(into, 'state')).catch(() => []))
        if (name.startsWith('lock')) await rm(path.join(into, 'state', name));
      await loadAll(into, createFaultyDisk());
      expect(await stored(into), `operation ${at}`).toEqual(wanted);
      await rm(into, { recursive: true });
    }
  }, 900_000);
});

/** Passes requests on; at the one with that number it kills whoever asks, before the registry hears of it or before the answer comes back. */
async function startDeadlyProxy(host: string): Promise<Proxy> {
  let [seen, dieAt, answers] = [0, 0, false];
  let kill = (): void => {};
  const [hostname, port] = host.split(':');
  const server: Server = http.createServer((request, response) => {
    seen += 1;
    const isLast = seen === dieAt;
    if (isLast && !answers) {
      kill();
      request.socket.destroy();
      return;
    }
    const { method, headers, url } = request;
    const onward = http.request({ hostname, port, method, headers, path: url }, (answer) => {
      if (isLast) kill();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => seen,
    arm(at, before, victim) {
      [seen, dieAt, answers, kill] = [0, at, !before, victim];
    },
  };
}

interface Proxy {
  readonly host: string;
  readonly seen: () => number;
  arm(at: number, before: boolean, victim: () => void): void;
}
