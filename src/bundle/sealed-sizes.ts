import { prettyJson } from '../core/json.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import type { BundleIndex } from './format.ts';
import { renderIndex } from './index-text.ts';
import { indexMemberBytes } from './layout.ts';
import type { LoadRecord } from './load-state.ts';
import { checksumsBytes } from './members.ts';
import { recordOf } from './records.ts';
import { sideNames } from './seal.ts';

/** Sizes of everything that building and loading a bundle leaves behind, from its index alone. */
export interface SealedForecast {
  /** Files of the generation's folder by name, volumes with the index in them. */
  readonly folder: ReadonlyMap<string, number>;
  /** Of the record in the workspace. */
  readonly recordBytes: number;
  /** What the bastion keeps of it, by name; `target` and folders as they will stand in the load record. */
  loadRecord(places: Pick<LoadRecord, 'target' | 'webRoot' | 'toolsDir' | 'filesDir'>): ReadonlyMap<string, number>;
}

/** A DER signature of P-256 is 70 to 72 bytes, but for one in some thousands: 96 characters in base64. */
const signatureText = 'x'.repeat(96);

/** What a laid-out bundle will take, to the byte. `planBytes` is the size of the plan as it lies beside the volumes. */
export function forecastSealed(index: BundleIndex, planBytes: number, signed: boolean): SealedForecast {
  const text = renderIndex(index);
  const indexDigest: Digest = digestOf(text);
  const signature = signed ? signatureText : '';
  const volumes = index.volumes.map(({ name, size }, at) => {
    const sizeBytes = at === 0 ? size + indexMemberBytes(text.length) : size;
    return { name, sizeBytes, sha256: '0'.repeat(64) };
  });
  const side: [string, number][] = [
    [sideNames.index, text.length],
    [sideNames.signature, signature.length],
    [sideNames.checksums, checksumsBytes],
    [sideNames.sums, volumes.reduce((sum, { name }) => sum + 64 + 2 + name.length + 1, 0)],
    [sideNames.plan, planBytes],
  ];
  const config = index.files.filter((file) => file.role === 'config' && file.path.startsWith('airlock/'));
  return {
    folder: new Map([...volumes.map(({ name, sizeBytes }): [string, number] => [name, sizeBytes]), ...side]),
    recordBytes: Buffer.byteLength(prettyJson(recordOf(index, { indexDigest, signature, volumes }))),
    loadRecord(places) {
      const record: LoadRecord = {
        apiVersion: 'airlock/v1alpha1',
        kind: 'LoadRecord',
        generation: index.generation,
        indexDigest,
        loadedAt: new Date(0).toISOString(),
        bundleKind: 'airlock',
        ...places,
      };
      return new Map([
        [sideNames.index, text.length],
        [sideNames.signature, signature.length],
        ...config.map(({ path, size }): [string, number] => [path.slice(path.lastIndexOf('/') + 1), size]),
        ['load.json', Buffer.byteLength(prettyJson(record))],
      ]);
    },
  };
}
