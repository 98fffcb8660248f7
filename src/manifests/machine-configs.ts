import { AirlockError } from '../core/errors.ts';
import { parseYamlStream } from '../core/yaml.ts';
import type { Resource } from './resource.ts';

/** A MachineConfig that gives the nodes of a pool a chrony.conf with the site's time servers; the nodes reboot. */
export function chronyMachineConfig(pool: string, servers: readonly string[]): Resource {
  const content = [
    ...servers.map((server) => `server ${server} iburst`),
    'driftfile /var/lib/chrony/drift',
    'makestep 1.0 3',
    'rtcsync',
    'logdir /var/log/chrony',
    '',
  ].join('\n');
  return {
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineConfig',
    metadata: { name: `99-${pool}-chrony`, labels: { 'machineconfiguration.openshift.io/role': pool } },
    spec: {
      config: {
        ignition: { version: '3.2.0' },
        storage: {
          files: [
            {
              path: '/etc/chrony.conf',
              mode: 0o644,
              overwrite: true,
              contents: { source: `data:text/plain;charset=utf-8;base64,${Buffer.from(content).toString('base64')}` },
            },
          ],
        },
      },
    },
  };
}

/**
 * A MachineConfig with the tag mirror rules for hosted nodes, whose NodePools take no ImageTagMirrorSet. `conf` is a registries.conf drop-in.
 */
export function tagMirrorMachineConfig(conf: string): Resource {
  return {
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineConfig',
    metadata: { name: '99-worker-tag-mirrors', labels: { 'machineconfiguration.openshift.io/role': 'worker' } },
    spec: {
      config: {
        ignition: { version: '3.2.0' },
        storage: {
          files: [
            {
              path: '/etc/containers/registries.conf.d/50-airlock-tag-mirrors.conf',
              mode: 0o644,
              overwrite: true,
              contents: { source: `data:text/plain;charset=utf-8;base64,${Buffer.from(conf).toString('base64')}` },
            },
          ],
        },
      },
    },
  };
}

/** The objects of a file that the user gave. @throws AirlockError MANIFEST_FILE_INVALID */
export function readResources(text: string, file: string): Resource[] {
  let values: unknown[];
  try {
    values = parseYamlStream(text);
  } catch (error) {
    throw new AirlockError('MANIFEST_FILE_INVALID', `${file} is not YAML`, { cause: error });
  }
  return values.map((value) => {
    const { apiVersion, kind, metadata } = (value ?? {}) as Partial<Resource>;
    if (typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string')
      return value as Resource;
    throw new AirlockError('MANIFEST_FILE_INVALID', `${file} holds something without apiVersion, kind and name`, {
      hint: 'run airlock lint on the file',
    });
  });
}
