import { existsSync, readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import { quietRun, type Run } from '../../../src/core/run.ts';
import { type BuildRequest, build } from '../../../src/workflow/build.ts';
import type { MirrorResult } from '../../../src/workflow/result.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

export const standIn = path.join(import.meta.dirname, 'stand-in.mjs');

/** What a played-back build left. */
export interface PlayedBuild {
  readonly folder: string;
  readonly events: readonly RunEvent[];
  /** What the stand-in was given, call by call. */
  readonly calls: () => readonly {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly history?: readonly string[];
  }[];
  readonly build: (change?: BuildChange) => Promise<MirrorResult>;
}

export interface BuildChange {
  readonly step?: string;
  readonly imageSetFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly request?: Partial<BuildRequest>;
  readonly run?: Partial<Run>;
}

/** Builds with the stand-in in place of the real binary. `step`: `<case>/<n>-<step>` below the golden cases. */
export async function playBuild(golden: string, step: string): Promise<PlayedBuild> {
  const base = await temporaryFolder();
  const folder = path.join(base, 'out');
  const record = path.join(base, 'record');
  const events: RunEvent[] = [];
  return {
    folder,
    events,
    calls: () =>
      existsSync(record)
        ? readFileSync(record, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [],
    build(change = {}) {
      const played = path.join(golden, 'cases', change.step ?? step);
      const request: BuildRequest = {
        imageSetFile: change.imageSetFile ?? findImageSet(played),
        folder,
        full: false,
        replan: false,
        source: {
          tlsVerify: true,
          retryTimes: 1,
          retryDelaySeconds: 0,
          parallelImages: 4,
          parallelLayers: 8,
          env: { PATH: process.env['PATH'], STAND_IN_STEP: played, STAND_IN_RECORD: record, ...change.env },
          homeFolder: base,
        },
        selection: {
          coreosArchitectures: [],
          releaseKeyFile: path.join(golden, 'source/release-key.asc'),
          ignoreReleaseSignature: false,
          removeSignatures: false,
        },
        engine: { engine: 'oc-mirror', program: standIn },
        ...change.request,
      };
      return build(request, quietRun({ report: (event) => events.push(event), ...change.run }));
    },
  };
}

/** The configuration that the step's command names. */
function findImageSet(step: string): string {
  const command = readFileSync(path.join(step, 'command'), 'utf8');
  const named = /-c \$WORK\/(\S+)/.exec(command)?.[1] ?? '';
  return path.join(step, '..', named);
}

/** The steps of the golden cases that ran mirror to disk. */
export function diskSteps(golden: string): string[] {
  return readdirSync(path.join(golden, 'cases')).flatMap((name) =>
    readdirSync(path.join(golden, 'cases', name))
      .filter((step) => existsSync(path.join(golden, 'cases', name, step, 'command')))
      .filter((step) => / file:\/\//.test(readFileSync(path.join(golden, 'cases', name, step, 'command'), 'utf8')))
      .map((step) => path.join(name, step)),
  );
}

/** Serves the boot images that the golden streams name: each holds its stream's version and architecture. */
export async function serveBootImages(
  answer = (url: string): string | undefined => url.split('/').slice(1, 3).join(''),
): Promise<string> {
  const server = http.createServer((request, response) => {
    const body = answer(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200, { 'content-length': body?.length ?? 0 }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
