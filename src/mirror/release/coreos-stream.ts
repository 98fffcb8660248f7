import { AirlockError } from '../../core/errors.ts';
import { parseYaml } from '../../core/yaml.ts';
import type { CoreosRole } from '../../plan/index.ts';

/** A boot image as the stream names it. */
export interface CoreosArtifact {
  readonly role: CoreosRole;
  readonly url: string;
  readonly sha256: string;
}

/** The metal boot images of one build and architecture. */
export interface CoreosImages {
  /** `metal.release`: names folders. The stream's own name is not used, it is wrong in some real streams. */
  readonly build: string;
  /** x86_64, aarch64, ppc64le, s390x. */
  readonly architecture: string;
  readonly artifacts: readonly CoreosArtifact[];
  /** Roles that the stream does not have. */
  readonly absent: readonly CoreosRole[];
}

/** What a payload says about CoreOS. */
export interface CoreosContent {
  /** `stream` first, then the further ones of `streams` (5.0 and newer: one per RHEL major). */
  readonly images: readonly CoreosImages[];
  /** KubeVirt boot images by architecture, by digest. */
  readonly kubevirt: Readonly<Record<string, string>>;
}

const roles: readonly (readonly [CoreosRole, ...string[]])[] = [
  ['iso', 'iso', 'disk'],
  ['rootfs', 'pxe', 'rootfs'],
  ['kernel', 'pxe', 'kernel'],
  ['initramfs', 'pxe', 'initramfs'],
];

/**
 * Decodes the ConfigMap `coreos-bootimages` of a payload. RHCOS, SCOS and FCOS streams have one form.
 * @throws AirlockError COREOS_STREAM_INVALID @see coreos/stream-metadata-go, stream metadata v1
 */
export function parseBootImages(yaml: string): CoreosContent {
  let config: unknown;
  let streams: unknown[];
  try {
    config = parseYaml(yaml);
    const [stream, more] = [at(config, 'data', 'stream'), at(config, 'data', 'streams')];
    streams = [
      ...(typeof stream === 'string' ? [JSON.parse(stream)] : []),
      ...(typeof more === 'string' ? Object.values(JSON.parse(more) as Record<string, unknown>) : []),
    ];
  } catch (error) {
    throw new AirlockError('COREOS_STREAM_INVALID', 'the ConfigMap coreos-bootimages cannot be read', { cause: error });
  }
  if (streams.length === 0)
    throw new AirlockError('COREOS_STREAM_INVALID', 'the ConfigMap coreos-bootimages holds no stream');
  const images = streams.flatMap(parseStream);
  return {
    images: [
      ...new Map([...images].reverse().map((one) => [`${one.build} ${one.architecture}`, one])).values(),
    ].reverse(),
    kubevirt: parseKubevirt(streams[0]),
  };
}

/** The metal boot images of a stream; architectures without any are left out. */
export function parseStream(stream: unknown): CoreosImages[] {
  return Object.entries(record(at(stream, 'architectures'))).flatMap(([architecture, content]) => {
    const metal = at(content, 'artifacts', 'metal');
    const build = at(metal, 'release');
    if (typeof build !== 'string' || !isSafeName(build) || !isSafeName(architecture)) return [];
    const artifacts = roles.flatMap(([role, ...keys]) => {
      const place = at(metal, 'formats', ...keys);
      const [url, sha256] = [at(place, 'location'), at(place, 'sha256')];
      return typeof url === 'string' && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
        ? [{ role, url, sha256 }]
        : [];
    });
    const absent = roles.map(([role]) => role).filter((role) => !artifacts.some((one) => one.role === role));
    return artifacts.length > 0 ? [{ build, architecture, artifacts, absent }] : [];
  });
}

function parseKubevirt(stream: unknown): Record<string, string> {
  const found = Object.entries(record(at(stream, 'architectures'))).map(
    ([architecture, content]) => [architecture, at(content, 'images', 'kubevirt', 'digest-ref')] as const,
  );
  return Object.fromEntries(
    found.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''),
  );
}

/** Whether text can be one path element. */
function isSafeName(text: string): boolean {
  return /^[\w][\w.+-]*$/.test(text);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((inner, key) => record(inner)[key], value);
}
