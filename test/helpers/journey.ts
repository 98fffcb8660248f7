import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { type AirlockOptions, airlock, tell } from './airlock.ts';
import { type ExtraImage, type JourneySource, startJourneySource } from './journey-source.ts';
import { suiteFolder } from './temporary.ts';

/** A folder of its own, the outside world on loopback, and the built tool that runs there. */
export interface Journey {
  readonly folder: string;
  readonly source: JourneySource;
  readonly options: AirlockOptions;
  /** A path in the folder. */
  at(...names: string[]): string;
  /** Runs the tool to the exit code that is expected, and gives the one document of `-o json`. */
  json<T = Record<string, unknown>>(exitCode: number, ...args: string[]): Promise<T>;
}

/** Sets a journey up before the tests of the file that calls it, and clears it away after them: `folder`, `source` and `options` are for hooks and tests. */
export function useJourney(extra: readonly ExtraImage[] = []): Journey {
  let opened: { folder: string; source: JourneySource; options: AirlockOptions } | undefined;
  const get = () => {
    if (!opened) throw new Error('the journey is set up before the tests, not while they are listed');
    return opened;
  };
  const at = (...names: string[]): string => path.join(get().folder, ...names);
  beforeAll(async () => {
    const folder = await suiteFolder();
    const source = await startJourneySource(path.join(folder, 'source'), extra);
    opened = { folder, source, options: { cwd: folder, env: source.env } };
  });
  afterAll(async () => {
    await opened?.source.close();
    if (opened) await rm(opened.folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return get().folder;
    },
    get source() {
      return get().source;
    },
    get options() {
      return get().options;
    },
    at,
    async json<T>(exitCode: number, ...args: string[]): Promise<T> {
      const ending = await airlock([...args, '-o', 'json'], get().options);
      expect(ending.exitCode, tell(ending)).toBe(exitCode);
      return JSON.parse(ending.stdout) as T;
    },
  };
}
