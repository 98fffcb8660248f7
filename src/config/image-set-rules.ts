import { isRepository, isTag } from '../oci/index.ts';
import { compileBlockedPattern } from './blocked.ts';
import type { ConfigPath } from './document.ts';
import type { Faults } from './faults.ts';
import type { ContentFile, ImageSetFile } from './image-set-decode.ts';
import { parseMirrorReference } from './mirror-reference.ts';
import { findNearest } from './nearest.ts';
import { checkOperators } from './operator-rules.ts';
import { compareVersions, findStrictVersion } from './version.ts';

/** Architectures that a release can be asked for (oc-mirror-v2.md §6.2). */
export const releaseArchitectures = ['amd64', 'arm64', 'ppc64le', 's390x', 'multi'] as const;

const otherSpellings: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** Every rule of oc-mirror-v2.md §1.4 and §14 for an ImageSetConfiguration. */
export function checkImageSet(file: ImageSetFile, faults: Faults): void {
  if (file.archiveSize < 0 || file.archiveSize > 8_388_607)
    faults.error('CONFIG_VALUE', ['archiveSize'], 'has to be a number of GiB from 1 to 8388607');
  checkContent(file.mirror, ['mirror'], faults);
  checkBlocked(file.mirror.blockedImages, ['mirror', 'blockedImages'], faults);
}

/** The rules that a deletion has in common with an image set. */
export function checkContent(content: ContentFile, path: ConfigPath, faults: Faults): void {
  checkRelease(content.platform, [...path, 'platform'], faults);
  checkOperators(content.operators, [...path, 'operators'], faults);
  content.additionalImages.forEach((image, index) => {
    const at = [...path, 'additionalImages', index];
    checkImageName(image.name, [...at, 'name'], faults, 'warning');
    checkTargets(image.targetRepo, [...at, 'targetRepo'], image.targetTag, [...at, 'targetTag'], faults);
    checkPlatforms(image.platforms, [...at, 'platforms'], faults);
  });
  checkHelm(content.helm, [...path, 'helm'], faults);
  if (content.samples.length > 0)
    faults.warning('CONFIG_NO_EFFECT', [...path, 'samples'], 'samples are read, but never mirrored');
  checkNotEmpty(content, path, faults);
}

function checkNotEmpty(content: ContentFile, path: ConfigPath, faults: Faults): void {
  const { platform, operators, additionalImages, helm } = content;
  const releases = platform.channels.length > 0 || platform.release !== undefined;
  const others = operators.length + additionalImages.length + helm.repositories.length + helm.local.length > 0;
  if (platform.graph && !releases) {
    const hint = 'add platform.channels or platform.release, or take graph away';
    faults.error(
      'CONFIG_EMPTY',
      [...path, 'platform', 'graph'],
      'an update graph without any release serves nobody',
      hint,
    );
  } else if (platform.kubeVirtContainer && !releases) {
    const message = 'the KubeVirt image is taken from a release, and none is asked for';
    faults.error(
      'CONFIG_EMPTY',
      [...path, 'platform', 'kubeVirtContainer'],
      message,
      'add platform.channels or platform.release',
    );
  } else if (!releases && !others && !faults.touches(path)) {
    const hint = 'add platform.channels, operators, additionalImages or helm charts';
    const message = 'asks for nothing: there is no release, catalog, image or chart';
    // A stanza with something in it may be half of a set that a script completes; an empty one is a mistake.
    if (faults.isEmptyAt(path)) faults.error('CONFIG_EMPTY', path, message, hint);
    else faults.warning('CONFIG_EMPTY', path, message, hint);
  }
}

function checkRelease(platform: ContentFile['platform'], path: ConfigPath, faults: Faults): void {
  const channels = [...path, 'channels'];
  checkUnique(
    platform.channels.map((channel) => channel.name),
    channels,
    'name',
    'release channel',
    faults,
  );
  platform.channels.forEach((channel, index) => {
    const at = [...channels, index];
    requireText(channel.name, [...at, 'name'], faults, 'for example stable-4.19');
    if (channel.type !== undefined && channel.type !== 'ocp' && channel.type !== 'okd')
      faults.warning('CONFIG_NO_EFFECT', [...at, 'type'], `"${channel.type}" is taken for "ocp"`, 'write ocp or okd');
    checkReleaseRange(channel, at, faults);
  });
  if (platform.release !== undefined) {
    checkImageName(platform.release, [...path, 'release'], faults);
    if (platform.channels.length > 0)
      faults.warning(
        'CONFIG_NO_EFFECT',
        channels,
        'channels are ignored, since "release" names one',
        'remove one of the two',
      );
  }
  platform.architectures.forEach((architecture, index) => {
    checkArchitecture(architecture, [...path, 'architectures', index], faults);
  });
  checkPlatforms(platform.platforms, [...path, 'platforms'], faults);
  if (platform.platforms.length > 0 && platform.architectures.length > 0) {
    const hint = 'keep platforms for sparse manifest lists, or architectures for single-architecture or multi payloads';
    faults.error(
      'CONFIG_CONFLICT',
      [...path, 'platforms'],
      'platforms and architectures cannot be used together',
      hint,
    );
  }
}

function checkReleaseRange(
  channel: ContentFile['platform']['channels'][number],
  path: ConfigPath,
  faults: Faults,
): void {
  const ends = (['minVersion', 'maxVersion'] as const).map((name) => {
    const text = channel[name];
    const version = text === undefined ? undefined : findStrictVersion(text);
    if (text !== undefined && !version) {
      const hint = 'write all three numbers, for example 4.19.10';
      faults.error('CONFIG_VALUE', [...path, name], `"${text}" is not a semantic version`, hint);
    }
    return version;
  });
  const [min, max] = ends;
  if (min && max && compareVersions(min, max) > 0) {
    const message = `minVersion ${channel.minVersion} is above maxVersion ${channel.maxVersion}`;
    // A deletion with such a range deletes nothing, which hurts nobody.
    const say = path[0] === 'delete' ? 'warning' : 'error';
    faults[say]('CONFIG_CONFLICT', [...path, 'minVersion'], message, 'swap them');
  }
}

function checkArchitecture(architecture: string | undefined, path: ConfigPath, faults: Faults): void {
  const known: readonly string[] = releaseArchitectures;
  if (architecture !== undefined && known.includes(architecture)) return;
  const nearest = otherSpellings[architecture ?? ''] ?? findNearest(architecture ?? '', known);
  const hint = nearest ? `did you mean "${nearest}"?` : `one of ${known.join(', ')}`;
  faults.error('CONFIG_VALUE', path, `"${architecture ?? ''}" is not an architecture of a release`, hint);
}

function checkBlocked(blocked: ImageSetFile['mirror']['blockedImages'], path: ConfigPath, faults: Faults): void {
  blocked.forEach(({ name }, index) => {
    const at = [...path, index, 'name'];
    if (name === undefined) {
      if (!faults.touches([...path, index]))
        faults.error(
          'CONFIG_VALUE',
          at,
          'an empty pattern blocks every image',
          'write a regular expression, or remove the entry',
        );
      return;
    }
    try {
      compileBlockedPattern(name);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const hint = /^[*?]/.test(name) ? 'patterns are regular expressions: write .* for anything' : undefined;
      faults.error(
        'CONFIG_VALUE',
        at,
        `invalid regular expression: ${reason.replace(/^error parsing regexp: /, '')}`,
        hint,
      );
    }
  });
}

function checkHelm(helm: ContentFile['helm'], path: ConfigPath, faults: Faults): void {
  helm.repositories.forEach((repository, index) => {
    const at = [...path, 'repositories', index];
    requireText(repository.name, [...at, 'name'], faults);
    requireText(repository.url, [...at, 'url'], faults);
    if (repository.url !== undefined && !URL.canParse(repository.url))
      faults.error('CONFIG_VALUE', [...at, 'url'], `"${repository.url}" is not a URL`);
    repository.charts.forEach((chart, number) => {
      requireText(chart.name, [...at, 'charts', number, 'name'], faults);
      checkPlatforms(chart.platforms, [...at, 'charts', number, 'platforms'], faults);
    });
  });
  helm.local.forEach((chart, index) => {
    requireText(chart.path, [...path, 'local', index, 'path'], faults, 'the folder or .tgz of the chart');
    checkPlatforms(chart.platforms, [...path, 'local', index, 'platforms'], faults);
  });
}

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
  if (!requireText(name, path, faults)) return;
  const reference = parseMirrorReference(name);
  if ('fault' in reference) {
    const say = reference.untagged ? untagged : 'error';
    const message = `"${name}" is not an image reference: ${reference.fault}`;
    faults[say]('CONFIG_VALUE', path, message, 'write registry/path:tag or registry/path@sha256:…');
  } else if (reference.transport === 'docker') {
    const { pathComponent, tag, domain } = reference;
    if (!isRepository(pathComponent))
      faults.error(
        'CONFIG_VALUE',
        path,
        `"${pathComponent}" is not a repository path`,
        'lower-case letters and digits, with . _ - between them',
      );
    else if (tag !== '' && !isTag(tag)) faults.error('CONFIG_VALUE', path, `"${tag}" is not a tag`);
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
  if (tag !== undefined && !isTag(tag)) faults.error('CONFIG_VALUE', tagPath, `"${tag}" is not a tag`);
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
