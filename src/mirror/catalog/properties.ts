import { findStrictVersion } from '../../config/index.ts';
import { NumberText } from './number-text.ts';
import { field, list, text } from './values.ts';

const packageProperty = 'olm.package';
const objectProperty = 'olm.bundle.object';

/** Properties that operator-registry decodes, and which of their keys have to be text. */
const textKeys: Readonly<Record<string, readonly string[]>> = {
  [packageProperty]: ['packageName', 'version', 'release'],
  'olm.package.required': ['packageName', 'versionRange'],
  'olm.gvk': ['group', 'kind', 'version'],
  'olm.gvk.required': ['group', 'kind', 'version'],
  [objectProperty]: ['data'],
  'olm.csv.metadata': ['description', 'displayName', 'maturity', 'minKubeVersion'],
};

const none: readonly string[] = [];

/**
 * What operator-registry says against the properties of a bundle, one sentence each; nearly always [].
 * @see operator-registry alpha/property, "Parse"; alpha/model, "Bundle.Validate"
 */
export function propertyFaults(
  properties: readonly unknown[],
  bundle: { readonly owner: string; readonly hasImage: boolean },
): readonly string[] {
  const faults = properties.flatMap(shapeFaults);
  const packages = properties.filter((property) => field(property, 'type') === packageProperty);
  if (packages.length !== 1) faults.push(`has ${packages.length} olm.package properties`);
  else faults.push(...packageFaults(field(packages[0], 'value'), bundle.owner));
  const hasObjects = properties.some((property) => field(property, 'type') === objectProperty);
  if (!bundle.hasImage && !hasObjects) faults.push('has no image');
  return faults.length > 0 ? faults : none;
}

function packageFaults(value: unknown, owner: string): string[] {
  const [name, version] = [text(field(value, 'packageName')), findStrictVersion(text(field(value, 'version')))];
  return [
    ...(name === owner ? [] : [`says in its olm.package property that it belongs to package "${name}"`]),
    // `1.0.0-01` is no semantic version: a number in a pre-release has no leading zero.
    ...(version && !version.prerelease.some((word) => /^0\d+$/.test(word)) ? [] : ['has no semantic version']),
  ];
}

function shapeFaults(property: unknown): string[] {
  const [type, value] = [field(property, 'type'), field(property, 'value')];
  if (typeof type !== 'string' || value === undefined) return ['has a property without type or value'];
  const keys = textKeys[type];
  if (!keys || value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof NumberText)
    return [`has a property ${type} that is no object`];
  const wrong = keys.find((key) => !isTextOrAbsent(field(value, key)));
  if (wrong !== undefined) return [`has a property ${type} whose ${wrong} is no text`];
  // The file lies beside the catalog's own; a filtered catalog does not have it.
  if (type === objectProperty && field(value, 'ref') !== undefined) return [`has a property ${type} that names a file`];
  const maps = type === 'olm.csv.metadata' ? [field(value, 'annotations'), field(value, 'labels')] : [];
  const isPlain = (map: unknown): boolean =>
    map === undefined || map === null || (typeof map === 'object' && Object.values(map).every(isTextOrAbsent));
  return maps.every(isPlain) && list(field(value, 'keywords')).every(isTextOrAbsent)
    ? []
    : [`has a property ${type} with annotations, labels or keywords that are no text`];
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}
