import type { SchemaFault } from './validate.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelWord = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Names, labels and annotations that no API server takes, whatever the kind.
 * @see Kubernetes, "Object Names and IDs", "Labels and Selectors"
 */
export function metadataFaults(metadata: {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}): SchemaFault[] {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  const fault = (path: string, message: string): SchemaFault => ({ path: `metadata.${path}`, kind: 'value', message });
  const keys = Object.entries({ labels, annotations }).flatMap(([field, words]) =>
    Object.keys(words)
      .filter((key) => !isKey(key))
      .map((key) => fault(field, `has "${key}", which is no key`)),
  );
  return [
    ...(name.length > 253 || !subdomain.test(name)
      ? [fault('name', 'is no object name: lower-case letters, digits, - and ., at most 253')]
      : []),
    ...(namespace !== undefined && (namespace.length > 63 || !subdomain.test(namespace) || namespace.includes('.'))
      ? [fault('namespace', 'is no name of a namespace: lower-case letters, digits and -, at most 63')]
      : []),
    ...keys,
    ...Object.entries(labels)
      .filter(([, value]) => !labelWord.test(value))
      .map(([key]) => fault(`labels.${key}`, 'is no value of a label: at most 63 letters, digits, -, _ and .')),
  ];
}

function isKey(key: string): boolean {
  const [last = '', domain, ...more] = key.split('/').reverse();
  return last !== '' && labelWord.test(last) && more.length === 0 && (domain === undefined || subdomain.test(domain));
}
