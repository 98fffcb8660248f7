import { PassThrough, type Readable } from 'node:stream';
import type Docker from 'dockerode';
import { AirlockError, errorText } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { parseReference } from '../../oci/index.ts';
import { toCreateOptions } from './create-options.ts';
import type { ContainerEngine, ContainerSpec, ContainerState } from './engine.ts';
import { localImageName } from './image-archive.ts';

/** Podman's Docker-compatible API on a unix socket. The only user of dockerode, which is loaded here and not sooner: it is large. */
export async function openEngine(socketPath: string, answerMs = 30_000): Promise<ContainerEngine> {
  const { default: Dockerode } = await import('dockerode');
  return new DockerodeEngine(socketPath, new Dockerode({ socketPath }), answerMs);
}

/** Its types leave the options of this call out. */
type Abortable = Docker & { version(options: { readonly abortSignal: AbortSignal }): Promise<Docker.DockerVersion> };

class DockerodeEngine implements ContainerEngine {
  readonly endpoint: string;
  readonly #docker: Docker;
  readonly #answerMs: number;

  constructor(socketPath: string, docker: Docker, answerMs: number) {
    this.endpoint = `unix://${socketPath}`;
    this.#docker = docker;
    this.#answerMs = answerMs;
  }

  async version(): Promise<string> {
    // The first question: systemd holds connections to a Podman that cannot start, and nobody ever answers them.
    const options = { abortSignal: AbortSignal.timeout(this.#answerMs) };
    return (await this.#ask('version', () => (this.#docker as Abortable).version(options))).Version;
  }

  async loadImage(archive: Readable, run: Run): Promise<string[]> {
    const output = await this.#ask('image load', () => this.#docker.loadImage(archive, { abortSignal: run.signal }));
    const items = await new Promise<unknown[]>((resolve, reject) => {
      this.#docker.modem.followProgress(output, (error, all) => (error ? reject(error) : resolve(all)));
    });
    const texts = items.map((item) => textOf(item, 'stream'));
    // A failure comes as an item of a stream with status 200, and dockerode does not reject for it.
    const failure = items.map((item) => textOf(item, 'error')).find((text) => text !== '');
    if (failure !== undefined) throw archiveError(failure);
    return texts
      .join('')
      .split(/[\n,]/)
      .flatMap((line) => /^(?:Loaded image(?:\(s\)|s)?: *)?(\S+)$/.exec(line.trim())?.[1] ?? []);
  }

  async findImage(reference: string): Promise<string | undefined> {
    return (await this.#findName(reference))?.id;
  }

  async #findName(reference: string): Promise<{ id: string; name: string } | undefined> {
    const names = isRegistryReference(reference) ? [reference, localImageName(reference)] : [reference];
    for (const name of new Set(names)) {
      const found = await this.#find(() => this.#docker.getImage(name).inspect());
      if (found) return { id: found.Id, name };
    }
    return undefined;
  }

  async findContainer(name: string): Promise<ContainerState | undefined> {
    const found = await this.#find(() => this.#docker.getContainer(name).inspect());
    if (!found) return undefined;
    const startedAt = new Date(found.State.StartedAt);
    return {
      id: found.Id,
      running: found.State.Running,
      imageId: found.Image,
      labels: found.Config.Labels ?? {},
      startedAt: startedAt.getTime() > 0 ? startedAt : undefined,
      exitCode: found.State.Running ? undefined : found.State.ExitCode,
    };
  }

  async createContainer(spec: ContainerSpec): Promise<void> {
    const image = (await this.#findName(spec.image))?.name ?? spec.image;
    const options = toCreateOptions({ ...spec, image });
    await this.#ask(`create of container ${spec.name}`, () => this.#docker.createContainer(options));
  }

  async startContainer(name: string): Promise<void> {
    await this.#ask(`start of container ${name}`, () => this.#docker.getContainer(name).start(), [304]);
  }

  async stopContainer(name: string, timeoutSeconds: number): Promise<void> {
    const stop = (): Promise<unknown> => this.#docker.getContainer(name).stop({ t: timeoutSeconds });
    await this.#ask(`stop of container ${name}`, stop, [304, 404]);
  }

  async removeContainer(name: string): Promise<void> {
    const remove = (): Promise<unknown> => this.#docker.getContainer(name).remove({ force: true, v: true });
    await this.#ask(`removal of container ${name}`, remove, [404]);
  }

  async logs(
    name: string,
    options: { readonly tail?: number; readonly follow?: boolean },
    run: Run,
  ): Promise<Readable> {
    const common = { stdout: true, stderr: true, ...(options.tail === undefined ? {} : { tail: options.tail }) };
    const output = new PassThrough();
    const container = this.#docker.getContainer(name);
    if (!options.follow) {
      const frames = await this.#ask('logs', () => container.logs({ ...common, follow: false }));
      output.end(unframe(frames));
      return output;
    }
    const stream = await this.#ask('logs', () => container.logs({ ...common, follow: true, abortSignal: run.signal }));
    this.#docker.modem.demuxStream(stream, output, output);
    stream.once('end', () => output.end());
    stream.once('error', (error: Error) => output.destroy(error));
    return output;
  }

  async #find<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await request();
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#toError('look-up', error);
    }
  }

  /** `fine` holds statuses that mean "so already", which dockerode throws. */
  async #ask<T>(what: string, request: () => Promise<T>, fine: readonly number[] = []): Promise<T> {
    try {
      return await request();
    } catch (error) {
      const status = statusOf(error);
      if (status !== undefined && fine.includes(status)) return undefined as T;
      throw this.#toError(what, error);
    }
  }

  #toError(what: string, error: unknown): AirlockError {
    const text = errorText(error);
    if (text.includes('payload does not match any of the supported image formats')) return archiveError(text, error);
    const reachable = statusOf(error) !== undefined;
    return new AirlockError(
      reachable ? 'PODMAN_FAILED' : 'PODMAN_UNREACHABLE',
      reachable ? `${what} failed in Podman: ${text}` : `Podman does not answer at ${this.endpoint}: ${text}`,
      { cause: error, ...(reachable ? {} : { hint: 'start it with "systemctl start podman.socket"' }) },
    );
  }
}

/** Not an id or a short name, which Podman looks up as they are. */
function isRegistryReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

function archiveError(text: string, cause?: unknown): AirlockError {
  return new AirlockError('IMAGE_ARCHIVE_INVALID', `Podman cannot load the image archive: ${text}`, {
    hint: 'the archive is cut short or damaged: verify the bundle that it came from',
    ...(cause === undefined ? {} : { cause }),
  });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

function textOf(item: unknown, key: string): string {
  if (typeof item !== 'object' || item === null || !(key in item)) return '';
  const value: unknown = Reflect.get(item, key);
  return typeof value === 'string' ? value : '';
}

// Docker's attach framing: type 0 … 2, three zeros, length (4 bytes, big endian), then that many bytes of output.
function unframe(frames: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    parts.push(frames.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts);
}
