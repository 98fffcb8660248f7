import type Docker from 'dockerode';
import type { ContainerSpec } from './engine.ts';

/** A spec as the API takes it. `Init`, `HostIp`, health checks and partial `Ulimits` are left out on purpose: Podman 4 breaks or ignores them. */
export function toCreateOptions(spec: ContainerSpec): Docker.ContainerCreateOptions {
  const suffix = spec.relabel ? ',Z' : '';
  return {
    name: spec.name,
    Image: spec.image,
    Cmd: [...spec.command],
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...spec.labels },
    HostConfig: {
      NetworkMode: 'host',
      Binds: spec.mounts.map((mount) => `${mount.source}:${mount.target}:${mount.readOnly ? 'ro' : 'rw'}${suffix}`),
      RestartPolicy: { Name: spec.restart },
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'size=64m' },
      CapDrop: ['ALL'],
      // The files may belong to another user than the container's root, and the port may be below 1024.
      CapAdd: ['DAC_OVERRIDE', 'NET_BIND_SERVICE'],
      SecurityOpt: ['no-new-privileges', ...(spec.relabel ? [] : ['label=disable'])],
      ...(spec.memoryBytes === undefined ? {} : { Memory: spec.memoryBytes }),
      // Podman takes this for its k8s-file; Docker knows no other name.
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m' } },
      // No Ulimits: with only some of them given, Podman drops its defaults for the others and the start fails.
    },
  };
}
