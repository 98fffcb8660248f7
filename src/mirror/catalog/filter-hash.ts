import { createHash } from 'node:crypto';
import type { OperatorCatalog } from '../../config/index.ts';
import { type Digest, digestHex } from '../../oci/index.ts';
import { parseImageName } from '../naming.ts';

/**
 * The tag of a filtered catalog in storage: MD5 over Go's compact JSON of the entry, its targets blanked and its catalog pinned
 * (reference §7.5). Real oc-mirror finds our catalog by it, so every key, its order and its omission matter.
 */
export function filterHash(entry: OperatorCatalog, digest: Digest): string {
  const name = parseImageName(entry.catalog);
  const bare = name.transport === 'docker' ? [name.domain, name.path].filter(Boolean).join('/') : name.path;
  return hashOf(entry, `${bare}@sha256:${digestHex(digest)}`);
}

/** The same as oc-mirror up to 4.21 computes it: over the catalog as it stands in the configuration. */
export function filterHashAsWritten(entry: OperatorCatalog): string {
  return hashOf(entry, entry.catalog);
}

function hashOf(entry: OperatorCatalog, catalog: string): string {
  return createHash('md5')
    .update(goJson(hashedEntry(entry, catalog)))
    .digest('hex');
}

function hashedEntry(entry: OperatorCatalog, catalog: string): unknown {
  return {
    packages:
      entry.packages?.map((one) => ({
        name: one.name,
        ...(one.channels.length > 0
          ? { channels: one.channels.map((channel) => ({ name: channel.name, ...versions(channel) })) }
          : {}),
        ...(one.defaultChannel ? { defaultChannel: one.defaultChannel } : {}),
        ...versions(one),
      })) ?? null,
    catalog,
    ...(entry.full ? { full: true } : {}),
    ...(entry.skipDependencies ? { skipDependencies: true } : {}),
    ...(entry.platforms.length > 0
      ? { platforms: entry.platforms.map(({ os, architecture }) => ({ os, architecture })) }
      : {}),
  };
}

function versions(filter: {
  readonly minVersion?: string | undefined;
  readonly maxVersion?: string | undefined;
}): Record<string, string> {
  return {
    ...(filter.minVersion ? { minVersion: filter.minVersion } : {}),
    ...(filter.maxVersion ? { maxVersion: filter.maxVersion } : {}),
  };
}

/** Go's encoding/json escapes these five in strings. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
