import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseYaml } from '../../src/core/yaml.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import type { ImageType, SelectedImage } from '../../src/plan/index.ts';

/** One image record; only what decides mirror sets is told. */
export function imageRecord(type: ImageType, origin: string, repository: string, tag = 'v1'): SelectedImage {
  return {
    type,
    origin,
    source: origin,
    repository,
    tag,
    targets: [{ repository, tag }],
    digest: (/@(sha256:.*)$/.exec(origin)?.[1] ?? digestOf(origin)) as Digest,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    absent: [],
    signature: 'not-checked',
    reason: 'test',
  };
}

/** Every step of the golden cases that wrote mirror sets. */
export function goldenSteps(
  cases: string,
): { readonly name: string; readonly folder: string; readonly resources: string }[] {
  return readdirSync(cases).flatMap((name) =>
    readdirSync(path.join(cases, name), { withFileTypes: true })
      .filter((step) => step.isDirectory())
      .flatMap((step) => {
        const folder = path.join(cases, name, step.name);
        const resources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((file) =>
          file.endsWith('/cluster-resources'),
        );
        return resources ? [{ name: `${name}/${step.name}`, folder, resources: path.join(folder, resources) }] : [];
      }),
  );
}

/** The records of a golden run, from what its log says was copied, and the names that its ISC gives. */
export function goldenRecords(folder: string): SelectedImage[] {
  const log = readFileSync(path.join(folder, 'stdout.log'), 'utf8');
  const isc = parseYaml(readFileSync(path.join(folder, '..', iscName(folder)), 'utf8')) as {
    mirror: { additionalImages?: { name: string; targetRepo?: string }[]; helm?: unknown };
  };
  const renamed = new Map(
    (isc.mirror.additionalImages ?? []).map((image) => [image.name, image.targetRepo ?? pathOf(image.name)]),
  );
  return [...log.matchAll(/Success copying (\S+) ➡️ (\S+)/g)].flatMap(([, logged = '', where]) => {
    const origin = logged.replace(/^docker:\/\//, '');
    if (where === 'cache') return [];
    if (/ocp-v4\.0-art-dev/.test(origin)) return [imageRecord('ocpReleaseContent', origin, 'openshift/release')];
    if (/\/ocp-release[:@]/.test(origin)) return [imageRecord('ocpRelease', origin, 'openshift/release-images')];
    if (/graph-image/.test(origin)) return [imageRecord('cincinnatiGraph', origin, 'openshift/graph-image', 'latest')];
    if (/-index[:@]|^oci:|catalog[:@]/.test(origin)) return [imageRecord('operatorCatalog', origin, pathOf(origin))];
    if (!logged.startsWith('docker://')) return [imageRecord('generic', origin, renamed.get(origin) ?? pathOf(origin))];
    return [imageRecord(isc.mirror.helm ? 'helmImage' : 'operatorRelatedImage', origin, pathOf(origin))];
  });
}

function iscName(folder: string): string {
  const command = readFileSync(path.join(folder, 'command'), 'utf8');
  return /\$WORK\/(isc[^ ]*)/.exec(command)?.[1] ?? 'isc.yaml';
}

function pathOf(origin: string): string {
  return origin
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
    .split('/')
    .slice(1)
    .join('/');
}
