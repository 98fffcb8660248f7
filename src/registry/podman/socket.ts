import path from 'node:path';
import type { Run } from '../../core/run.ts';
import { openEngine } from './dockerode-engine.ts';
import type { ContainerEngine } from './engine.ts';

/** What says where Podman answers; values of the environment come from the caller. */
export interface EngineSearch {
  /** CONTAINER_HOST: `unix:///path` or a bare path. */
  readonly containerHost?: string;
  /** DOCKER_HOST, looked at after it. */
  readonly dockerHost?: string;
  /** XDG_RUNTIME_DIR, for the rootless socket. */
  readonly runtimeFolder?: string;
  /** 0 is root: then the system's socket is looked at, otherwise the user's. */
  readonly userId: number;
  /** Of an ordinary user, whose units lie below it. */
  readonly home?: string;
}

/** Paths of sockets to try, best first. A host that is named is the only one; `ssh://` and `tcp://` ones are not ours to use. */
export function engineSockets(search: EngineSearch): string[] {
  for (const named of [search.containerHost, search.dockerHost]) {
    if (!named) continue;
    const socket = /^unix:\/\/(\/.*)$/.exec(named)?.[1] ?? (named.startsWith('/') ? named : undefined);
    // A named host that is no socket of this machine: the registry's folders would not be there.
    return socket === undefined ? [] : [socket];
  }
  if (search.userId === 0) return ['/run/podman/podman.sock'];
  const folder = search.runtimeFolder || `/run/user/${search.userId}`;
  return [path.join(folder, 'podman/podman.sock')];
}

/** The first engine that answers within `answerMs` (default 30,000); undefined where there is none. */
export async function findEngine(
  search: EngineSearch,
  run: Run,
  answerMs?: number,
): Promise<ContainerEngine | undefined> {
  for (const socket of engineSockets(search)) {
    if ((await run.disk.stat(socket)) === undefined) continue;
    const engine = await openEngine(socket, answerMs);
    try {
      await engine.version();
      return engine;
    } catch {
      // A socket file that nobody serves any more.
    }
  }
  return undefined;
}
