import { brotliDecompressSync } from 'node:zlib';
import { packedKinds } from './kinds.generated.ts';
import type { KindSchema } from './structural.ts';

let unpacked: ReadonlyMap<string, KindSchema> | undefined;

/**
 * The schemas that Airlock carries, by `group/version Kind`: the kinds that it emits and lints, without descriptions and status, from the
 * CustomResourceDefinitions of their projects (docs/adr, "Carry compact schemas").
 */
export function knownKinds(): ReadonlyMap<string, KindSchema> {
  unpacked ??= new Map(
    (JSON.parse(brotliDecompressSync(Buffer.from(packedKinds, 'base64')).toString('utf8')) as KindSchema[]).map(
      (kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind],
    ),
  );
  return unpacked;
}
