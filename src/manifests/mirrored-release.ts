import { AirlockError } from '../core/errors.ts';
import { parseReference } from '../oci/index.ts';
import type { SelectedRelease } from '../plan/index.ts';
import type { MirroredContent } from './cluster-resources.ts';
import { targetReference } from './target.ts';

/**
 * The mirrored release of a version for an architecture; a `multi` payload serves every one and is taken where several are wanted.
 * @throws AirlockError SITE_CONTENT_MISSING
 */
export function getRelease(
  content: MirroredContent,
  version: string,
  architectures: readonly string[],
): SelectedRelease {
  const found = content.releases.filter((release) => release.version === version);
  const [single] = new Set(architectures);
  const exact =
    new Set(architectures).size === 1 ? found.find((release) => release.architecture === single) : undefined;
  const release = exact ?? found.find((one) => one.architecture === 'multi');
  if (release) return release;
  const there = content.releases.map((one) => `${one.version} ${one.architecture}`).join(', ');
  throw new AirlockError(
    'SITE_CONTENT_MISSING',
    `release ${version} for ${[...new Set(architectures)].join(' and ')} is not in the registry; there is ${there || 'none'}`,
    {
      hint: 'put it into the image set (several architectures need "multi"), build, carry and load, then emit again',
      details: { version, architectures },
    },
  );
}

/** The release by digest at the mirror, as HostedClusters name it. */
export function releaseImage(release: SelectedRelease, content: MirroredContent): string {
  return `${targetReference(release.repository, content.target)}@${release.digest}`;
}

/**
 * A component of a release by digest at the mirror.
 * @throws AirlockError SITE_CONTENT_MISSING
 */
export function componentImage(release: SelectedRelease, component: string, content: MirroredContent): string {
  const origin = release.components[component];
  const image = content.images.find((one) => one.type === 'ocpReleaseContent' && one.origin === origin);
  const repository = image?.targets[0]?.repository;
  const digest = origin === undefined ? undefined : parseReference(origin).digest;
  if (repository === undefined || digest === undefined)
    throw new AirlockError(
      'SITE_CONTENT_MISSING',
      `component ${component} of release ${release.version} is not mirrored`,
      {
        hint: 'load the bundle that carries the release again',
      },
    );
  return `${targetReference(repository, content.target)}@${digest}`;
}
