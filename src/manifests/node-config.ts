import { parseYamlStream } from '../core/yaml.ts';
import { listAt, textAt, valueAt } from './lint/faults.ts';
import type { Resource } from './resource.ts';
import { knownKinds } from './schema/kinds.ts';
import { validateResource } from './schema/validate.ts';

/** Kinds that the operator takes out of the `config` ConfigMaps of a NodePool; others make it invalid. */
export const nodeConfigKinds: readonly string[] = [
  'MachineConfig',
  'KubeletConfig',
  'ContainerRuntimeConfig',
  'ImageDigestMirrorSet',
  'ImageContentSourcePolicy',
  'ClusterImagePolicy',
];

/** Kinds of its `tuningConfig` ConfigMaps. */
const tuningKinds: readonly string[] = ['Tuned', 'PerformanceProfile'];

/** As many ConfigMaps as each of the two lists takes. */
const mostMaps = 10;

interface NodeConfigFault {
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with the configuration that a NodePool names, of the ConfigMaps among `resources`. */
export function nodeConfigFaults(pool: Resource, resources: readonly Resource[]): NodeConfigFault[] {
  const lists = [
    { field: 'config', key: 'config', kinds: nodeConfigKinds },
    { field: 'tuningConfig', key: 'tuning', kinds: tuningKinds },
  ];
  const read = lists.flatMap(({ field, key, kinds }) =>
    listAt(pool, 'spec', field).map((entry) => readMap(textAt(entry, 'name') ?? '', key, kinds, pool, resources)),
  );
  const kubelet = read
    .flatMap(({ found }) => found)
    .filter((kind) => kind === 'KubeletConfig' || kind === 'PerformanceProfile').length;
  return [
    ...lists.flatMap(({ field }) => {
      const count = listAt(pool, 'spec', field).length;
      const hint = 'put several objects into one file';
      return count > mostMaps
        ? [{ message: `has ${count} ConfigMaps in ${field}, and ${mostMaps} are allowed`, hint }]
        : [];
    }),
    ...read.flatMap(({ faults }) => faults),
    ...(kubelet > 1
      ? [
          {
            message: `has ${kubelet} configurations of the kubelet, and takes one`,
            hint: 'put them into one KubeletConfig; a PerformanceProfile makes one as well',
          },
        ]
      : []),
  ];
}

function readMap(
  name: string,
  key: string,
  kinds: readonly string[],
  pool: Resource,
  resources: readonly Resource[],
): { readonly found: readonly string[]; readonly faults: readonly NodeConfigFault[] } {
  const map = resources.find(
    ({ kind, metadata }) =>
      kind === 'ConfigMap' && metadata.name === name && metadata.namespace === pool.metadata.namespace,
  );
  const text = valueAt(map, 'data', key);
  // A ConfigMap that is not there is told as such.
  if (typeof text !== 'string') return { found: [], faults: [] };
  const fault = (message: string, hint: string) => ({ message: `takes from ConfigMap ${name} ${message}`, hint });
  let objects: unknown[];
  try {
    objects = parseYamlStream(text);
  } catch {
    return { found: [], faults: [fault('what is not YAML', 'run airlock lint on the file')] };
  }
  const faults = objects.flatMap((object) => {
    const kind = textAt(object, 'kind') ?? 'something without kind';
    if (!kinds.includes(kind)) return [fault(`${kind}, which it cannot use`, `it takes ${kinds.join(', ')}`)];
    const schema = knownKinds().get(`${textAt(object, 'apiVersion')} ${kind}`);
    const wrong = schema ? validateResource(object, schema) : [];
    const role = textAt(object, 'metadata', 'labels', 'machineconfiguration.openshift.io/role');
    return [
      ...wrong.map(({ path, message }) => fault(`${kind}: ${path} ${message}`, 'correct the file')),
      ...(kind === 'MachineConfig' && role !== 'worker'
        ? [fault('a MachineConfig for no worker', 'label it machineconfiguration.openshift.io/role: worker')]
        : []),
    ];
  });
  return { found: objects.map((object) => textAt(object, 'kind') ?? ''), faults };
}
