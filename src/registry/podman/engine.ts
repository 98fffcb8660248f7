import type { Readable } from 'node:stream';
import type { Run } from '../../core/run.ts';

/** A container as the engine has it. */
export interface ContainerState {
  readonly id: string;
  readonly running: boolean;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly startedAt: Date | undefined;
  /** Of the last run; undefined while it runs. */
  readonly exitCode: number | undefined;
}

/** A bind mount of a host path. */
export interface ContainerMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** All that is asked of a container; host networking always (only it answers on `[::1]`, 127.0.0.1 and every address alike). */
export interface ContainerSpec {
  readonly name: string;
  /** A reference or id that is loaded already: nothing is pulled. */
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly ContainerMount[];
  readonly restart: 'always' | 'unless-stopped' | 'no';
  /** Relabels the mounts for the container where SELinux is on; without it label separation is off for the container. */
  readonly relabel: boolean;
  readonly memoryBytes?: number;
}

/** What this folder asks of Podman (or Docker): small enough for a fake. */
export interface ContainerEngine {
  /** Where it answers, for messages. */
  readonly endpoint: string;
  /** Engine version text. @throws AirlockError PODMAN_UNREACHABLE */
  version(): Promise<string>;
  /** Loads a docker-archive or oci-archive tar; returns the names that it gave. @throws AirlockError IMAGE_ARCHIVE_INVALID, PODMAN_* */
  loadImage(archive: Readable, run: Run): Promise<string[]>;
  /** The id of an image that is there, under the reference itself or its `localImageName`; undefined otherwise. */
  findImage(reference: string): Promise<string | undefined>;
  findContainer(name: string): Promise<ContainerState | undefined>;
  createContainer(spec: ContainerSpec): Promise<void>;
  /** Running already is fine. */
  startContainer(name: string): Promise<void>;
  /** Stopped already or gone is fine. */
  stopContainer(name: string, timeoutSeconds: number): Promise<void>;
  /** Running or gone is fine. Anonymous volumes go with it, mounts stay. */
  removeContainer(name: string): Promise<void>;
  /** Output of both streams as text; `follow` goes on until the container ends or the run is aborted. */
  logs(name: string, options: { readonly tail?: number; readonly follow?: boolean }, run: Run): Promise<Readable>;
}
