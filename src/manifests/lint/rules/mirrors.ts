import { type AddFault, type LintedObject, listAt, textAt } from '../faults.ts';
import { lintRules } from '../mirror-grammar.ts';

/** ImageDigestMirrorSet, ImageTagMirrorSet and ImageContentSourcePolicy. */
export function lintMirrorSets(object: LintedObject, add: AddFault): void {
  if (object.kind === 'ImageDigestMirrorSet') lintRules(object.value, ['spec', 'imageDigestMirrors'], add);
  if (object.kind === 'ImageTagMirrorSet') lintRules(object.value, ['spec', 'imageTagMirrors'], add);
  if (object.kind !== 'ImageContentSourcePolicy') return;
  lintRules(object.value, ['spec', 'repositoryDigestMirrors'], add);
  add(
    'LINT_ICSP',
    ['kind'],
    'ImageContentSourcePolicy is deprecated',
    'write an ImageDigestMirrorSet: repositoryDigestMirrors becomes imageDigestMirrors, the rest stays (oc adm migrate icsp)',
    'warning',
  );
}

/** Rules over all objects of a file: both kinds side by side, and one source with two policies. */
export function lintMirrorSetsTogether(objects: readonly { object: LintedObject; add: AddFault }[]): void {
  const policies = objects.filter(({ object }) => object.kind === 'ImageContentSourcePolicy');
  if (objects.some(({ object }) => object.kind === 'ImageDigestMirrorSet'))
    for (const { add } of policies)
      add(
        'LINT_ICSP_MIXED',
        ['kind'],
        'ImageContentSourcePolicy stands beside ImageDigestMirrorSet',
        'convert it: older HyperShift operators ignore every policy once a mirror set exists (OCPBUGS-29466)',
      );
  const said = new Map<string, string>();
  for (const { object, add } of objects)
    for (const field of ['imageDigestMirrors', 'imageTagMirrors'])
      for (const [index, rule] of listAt(object.value, 'spec', field).entries()) {
        const source = textAt(rule, 'source');
        if (source === undefined) continue;
        const policy = textAt(rule, 'mirrorSourcePolicy') ?? 'AllowContactingSource';
        const before = said.get(source);
        if (before !== undefined && before !== policy)
          add(
            'LINT_MIRROR_POLICY',
            ['spec', field, index],
            `rules for ${source} disagree on mirrorSourcePolicy`,
            'use one policy per source: nodes get no configuration otherwise',
          );
        said.set(source, policy);
      }
}
