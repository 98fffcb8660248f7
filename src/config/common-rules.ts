import { isRepository, isTag } from '../oci/index.ts';
import type { Faults } from './faults.ts';
import type { ContentFile } from './image-set-decode.ts';
import { parseMirrorReference } from './mirror-reference.ts';
import type { ConfigPath } from './node.ts';

const referenceHint = 'write registry/path:tag or registry/path@sha256:…';
const tagHint = 'letters, digits, _ . and -, at most 128, and neither . nor - first';

/** Both parts of every platform have to be there. */
export function checkPlatforms(
  platforms: ContentFile['platform']['platforms'],
  path: ConfigPath,
  faults: Faults,
): void {
  platforms.forEach((platform, index) => {
    requireText(platform.os, [...path, index, 'os'], faults, 'for example linux');
    requireText(platform.architecture, [...path, index, 'architecture'], faults, 'for example amd64');
  });
}

/**
 * An image that is to be mirrored: oc-mirror's grammar, and a path and tag that a registry takes. `untagged` is how bad it is to have neither
 * tag nor digest: oc-mirror refuses such a catalog at once, such an additional image only when its turn comes.
 */
export function checkImageName(
  name: string | undefined,
  path: ConfigPath,
  faults: Faults,
  untagged: 'error' | 'warning' = 'error',
): void {
  if (!requireText(name, path, faults, referenceHint)) return;
  const reference = parseMirrorReference(name);
  if ('fault' in reference) {
    const say = reference.untagged ? untagged : 'error';
    const message = `"${name}" is not an image reference: ${reference.fault}`;
    faults[say]('CONFIG_VALUE', path, message, referenceHint);
  } else if (reference.transport === 'docker') {
    const { pathComponent, tag, domain } = reference;
    if (!isRepository(pathComponent))
      faults.error(
        'CONFIG_VALUE',
        path,
        `"${pathComponent}" is not a repository path`,
        'lower-case letters and digits, with . _ - between them',
      );
    else if (tag !== '' && !isTag(tag)) faults.error('CONFIG_VALUE', path, `"${tag}" is not a tag`, tagHint);
    else if (!/[.:]/.test(domain) && domain !== 'localhost')
      faults.warning(
        'CONFIG_VALUE',
        path,
        `"${name}" names no registry`,
        'write the whole reference, for example quay.io/namespace/name:tag',
      );
  } else if (reference.transport !== 'oci') {
    faults.error(
      'CONFIG_VALUE',
      path,
      `"${reference.transport}://" cannot be mirrored`,
      'registry references and oci:// folders can',
    );
  }
}

/** Names at the target (oc-mirror-v2.md §1.5). */
export function checkTargets(
  repository: string | undefined,
  repositoryPath: ConfigPath,
  tag: string | undefined,
  tagPath: ConfigPath,
  faults: Faults,
): void {
  if (repository !== undefined && !isRepository(repository)) {
    const hint = /[:@]/.test(repository)
      ? 'it should not contain a tag or digest: that is targetTag'
      : 'lower-case path components, joined by /';
    faults.error('CONFIG_VALUE', repositoryPath, `invalid target path "${repository}"`, hint);
  }
  if (tag !== undefined && !isTag(tag)) faults.error('CONFIG_VALUE', tagPath, `"${tag}" is not a tag`, tagHint);
}

/** Faults for a text that is not there, unless something was already said about it; true when it is. */
export function requireText(
  value: string | undefined,
  path: ConfigPath,
  faults: Faults,
  hint?: string,
): value is string {
  if (value !== undefined) return true;
  if (!faults.touches(path) && !faults.touches(path.slice(0, -1), true))
    faults.error('CONFIG_MISSING', path, `"${path.at(-1)}" is missing or empty`, hint);
  return false;
}

/** One fault for each name that came before; both lines are named. */
export function checkUnique(
  names: readonly (string | undefined)[],
  path: ConfigPath,
  field: string,
  what: string,
  faults: Faults,
): void {
  names.forEach((name, index) => {
    const first = names.indexOf(name);
    if (name === undefined || first === index) return;
    const line = faults.lineOf([...path, first, field]);
    const message = `${what} "${name}": duplicate found in configuration, first on line ${line}`;
    faults.error('CONFIG_DUPLICATE', [...path, index, field], message, 'merge the two, or remove one');
  });
}
