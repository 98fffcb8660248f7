import { type MirrorMapping, mirrorCategories } from './mirror-mappings.ts';
import type { Resource } from './resource.ts';

/** Annotations on every object that stands for what was mirrored: when and by what. */
export interface Provenance {
  /** RFC 3339; the time of the plan, so that the same plan gives the same bytes. */
  readonly createdAt: string;
  readonly toolVersion: string;
}

/** The annotations in which oc-mirror says the same. */
export function provenanceAnnotations(provenance: Provenance): Readonly<Record<string, string>> {
  return {
    createdAt: provenance.createdAt,
    createdBy: `airlock ${provenance.toolVersion}`,
  };
}

/** ImageDigestMirrorSets `idms-<group>-0`, one per group that has rules by digest. @see openshift/api config/v1 */
export function imageDigestMirrorSets(mappings: readonly MirrorMapping[], provenance: Provenance): Resource[] {
  return mirrorSets(mappings, provenance, 'digest');
}

/** ImageTagMirrorSets `itms-<group>-0`, one per group that has rules by tag. @see openshift/api config/v1 */
export function imageTagMirrorSets(mappings: readonly MirrorMapping[], provenance: Provenance): Resource[] {
  return mirrorSets(mappings, provenance, 'tag');
}

function mirrorSets(
  mappings: readonly MirrorMapping[],
  provenance: Provenance,
  pull: MirrorMapping['pull'],
): Resource[] {
  return mirrorCategories
    .filter((category) => category !== 'catalog')
    .flatMap((category) => {
      const rules = mappings.filter((rule) => rule.category === category && rule.pull === pull);
      if (rules.length === 0) return [];
      return [
        {
          apiVersion: 'config.openshift.io/v1',
          kind: pull === 'digest' ? 'ImageDigestMirrorSet' : 'ImageTagMirrorSet',
          metadata: {
            name: `${pull === 'digest' ? 'idms' : 'itms'}-${category}-0`,
            annotations: provenanceAnnotations(provenance),
          },
          spec: {
            [pull === 'digest' ? 'imageDigestMirrors' : 'imageTagMirrors']: rules.map(({ source, mirrors }) => ({
              mirrors: [...mirrors],
              source,
            })),
          },
        },
      ];
    });
}
