import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseYaml } from '../../src/core/yaml.ts';
import { type KindSchema, readCrd, validateResource } from '../../src/manifests/index.ts';
import { sharedPath } from '../helpers/real.ts';

let loaded: ReadonlyMap<string, KindSchema> | undefined;

/** The kinds of ../shared/crds by `group/version kind`; empty where there is none. */
export function sharedCrds(): ReadonlyMap<string, KindSchema> {
  if (loaded) return loaded;
  const folder = sharedPath('crds');
  const files = folder ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : [];
  loaded = new Map(
    files
      .flatMap((name) => readCrd(parseYaml(readFileSync(path.join(folder ?? '', name), 'utf8'))))
      .map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind]),
  );
  return loaded;
}

/** The faults of an object by its real schema, as `Kind name: path message`; kinds without a CRD have none. */
export function crdFaults(resource: unknown): string[] {
  const { apiVersion, kind, metadata } = resource as { apiVersion: string; kind: string; metadata: { name: string } };
  const schema = sharedCrds().get(`${apiVersion} ${kind}`);
  if (!schema) return [];
  return validateResource(resource, schema).map(
    ({ path: place, message }) => `${kind} ${metadata.name}: ${place} ${message}`,
  );
}
