import { type AddFault, isPlaceholder, type LintedObject, recordAt } from '../faults.ts';

const prefix = 'hypershift.openshift.io/';
const catalogImages = ['certified-operators', 'community-operators', 'redhat-marketplace', 'redhat-operators'].map(
  (name) => `${prefix}${name}-catalog-image`,
);
const override = `${prefix}olm-catalogs-is-registry-overrides`;

/** Catalog annotations of a HostedCluster: what stops its catalogs, and what has no effect. @see reference §17 */
export function lintCatalogAnnotations({ value }: LintedObject, add: AddFault): void {
  const path = ['metadata', 'annotations'];
  const annotations = recordAt(value, ...path);
  const texts = Object.entries(annotations).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !isPlaceholder(entry[1]),
  );
  const given = texts.filter(([key]) => catalogImages.includes(key));
  for (const [key, image] of given)
    if (!/@sha256:[0-9a-f]{64}$/.test(image))
      add(
        'LINT_CATALOGS',
        [...path, key],
        `${image} is not named by digest`,
        'a tag stops the catalogs: use the digest',
      );
  const missing = catalogImages.filter((key) => annotations[key] === undefined);
  if (given.length > 0 && missing.length > 0)
    add(
      'LINT_CATALOGS',
      path,
      `${missing.map((key) => key.slice(prefix.length)).join(' and ')} is missing beside the others`,
      'set all four: only some of them stop the catalogs',
    );
  const pairs = texts.find(([key]) => key === override)?.[1];
  for (const pair of pairs === undefined ? [] : pairs.split(',')) {
    const [source = '', target, ...more] = pair.split('=');
    if (target === undefined || target === '' || more.length > 0)
      add('LINT_CATALOGS', [...path, override], `"${pair}" is not source=destination`, 'join several with commas');
    else if (source !== 'registry.redhat.io/redhat' && source !== 'registry.redhat.io')
      add(
        'LINT_CATALOGS',
        [...path, override],
        `${source} is never looked for`,
        'only registry.redhat.io/redhat and registry.redhat.io are',
        'warning',
      );
  }
}
