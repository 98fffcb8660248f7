import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../../src/core/errors.ts';
import { quietRun } from '../../../src/core/run.ts';
import {
  type ContainerEngine,
  type ContainerSpec,
  type ContainerState,
  ensureContainer,
  registryContainer,
  registryFolders,
  writeRegistryFiles,
} from '../../../src/registry/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const run = quietRun();

/** An engine in memory that notes what it is asked to do. */
class FakeEngine implements ContainerEngine {
  readonly endpoint = 'fake';
  readonly calls: string[] = [];
  readonly images = new Map([['kitchen/registry:1', 'sha256:one']]);
  container: (ContainerState & { spec: ContainerSpec }) | undefined;
  failsToStart = false;

  async version(): Promise<string> {
    return '1';
  }
  async loadImage(): Promise<string[]> {
    return [];
  }
  async findImage(reference: string): Promise<string | undefined> {
    return this.images.get(reference);
  }
  async findContainer(): Promise<ContainerState | undefined> {
    return this.container;
  }
  async createContainer(spec: ContainerSpec): Promise<void> {
    this.calls.push('create');
    const { labels } = spec;
    this.container = { id: 'c', running: false, imageId: '', labels, startedAt: undefined, exitCode: 0, spec };
  }
  async startContainer(): Promise<void> {
    this.calls.push('start');
    if (this.failsToStart) throw new AirlockError('PODMAN_FAILED', 'no');
    if (this.container) this.container = { ...this.container, running: true };
  }
  async stopContainer(): Promise<void> {
    if (this.container) this.container = { ...this.container, running: false };
  }
  async removeContainer(): Promise<void> {
    this.calls.push('remove');
    this.container = undefined;
  }
  async logs(): Promise<Readable> {
    return Readable.from([]);
  }
}

async function spec(config = 'version: 0.1\n'): Promise<ContainerSpec> {
  const folders = registryFolders(await temporaryFolder());
  await writeRegistryFiles(folders, {}, run);
  return registryContainer({ image: 'kitchen/registry:1', folders, config });
}

describe('a container as wanted', () => {
  test('is made once and then left alone', async () => {
    const engine = new FakeEngine();
    const wanted = await spec();
    expect(await ensureContainer(engine, wanted, run)).toBe('created');
    expect(await ensureContainer(engine, wanted, run)).toBe('unchanged');
    expect(engine.calls).toEqual(['remove', 'create', 'start']);
  });

  test('is started, not made anew, where it stands', async () => {
    const engine = new FakeEngine();
    const wanted = await spec();
    await ensureContainer(engine, wanted, run);
    await engine.stopContainer();
    expect(await ensureContainer(engine, wanted, run)).toBe('started');
    expect(engine.calls.at(-1)).toBe('start');
  });

  test('is made anew when its settings or its image differ, or when somebody else made it', async () => {
    const engine = new FakeEngine();
    const wanted = await spec();
    await ensureContainer(engine, wanted, run);
    expect(await ensureContainer(engine, { ...wanted, memoryBytes: 1 << 28 }, run)).toBe('recreated');
    engine.images.set('kitchen/registry:1', 'sha256:two');
    expect(await ensureContainer(engine, wanted, run)).toBe('recreated');
    if (engine.container) engine.container = { ...engine.container, labels: {} };
    expect(await ensureContainer(engine, wanted, run)).toBe('recreated');
    expect(await ensureContainer(engine, wanted, run)).toBe('unchanged');
  });

  test('does not stay when its start fails, since it may hold the port', async () => {
    const engine = new FakeEngine();
    engine.failsToStart = true;
    await expect(ensureContainer(engine, await spec(), run)).rejects.toMatchObject({ code: 'PODMAN_FAILED' });
    expect(engine.container).toBeUndefined();
  });

  test('is not touched when the image is not there', async () => {
    const engine = new FakeEngine();
    engine.images.clear();
    await expect(ensureContainer(engine, await spec(), run)).rejects.toMatchObject({ code: 'IMAGE_NOT_LOADED' });
    expect(engine.calls).toEqual([]);
  });
});
