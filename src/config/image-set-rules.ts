import { compileBlockedPattern } from './blocked.ts';
import { checkImageName, checkPlatforms, checkTargets, checkUnique, requireText } from './common-rules.ts';
import type { Faults } from './faults.ts';
import type { ContentFile, ImageSetFile } from './image-set-decode.ts';
import { findNearest } from './nearest.ts';
import type { ConfigPath } from './node.ts';
import { checkOperators } from './operator-rules.ts';
import { compareVersions, findStrictVersion } from './version.ts';

/** Architectures that a release can be asked for (oc-mirror-v2.md §6.2). */
export const releaseArchitectures = ['amd64', 'arm64', 'ppc64le', 's390x', 'multi'] as const;

const regexpHint = 'RE2 has no look-around and no back-references; \\ takes the meaning of a sign away';
const urlHint = 'the folder of index.yaml, for example https://charts.example.com/stable/';

const otherSpellings: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** Every rule of oc-mirror-v2.md §1.4 and §14 for an ImageSetConfiguration. */
export function checkImageSet(file: ImageSetFile, faults: Faults): void {
  if (file.archiveSize < 0 || file.archiveSize > 8_388_607)
    faults.error(
      'CONFIG_VALUE',
      ['archiveSize'],
      'has to be a number of GiB from 1 to 8388607',
      'leave it out for 500',
    );
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
  // A deletion of the graph image alone is one; to mirror it alone serves nobody.
  const graphAlone = platform.graph && !releases;
  if (graphAlone && path[0] !== 'delete') {
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
  } else if (!releases && !others && !graphAlone && !faults.touches(path)) {
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
    if (channel.shortestPath && path[0] === 'delete')
      faults.warning(
        'CONFIG_NO_EFFECT',
        [...at, 'shortestPath'],
        'a deletion asks no update service: every release of the range goes',
        'name the ends so that nothing that stays lies between them',
      );
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
    const at = [...path, 'architectures', index];
    if (!faults.touches(at)) checkArchitecture(architecture, at, faults);
  });
  checkPlatforms(platform.platforms, [...path, 'platforms'], faults);
  if (platform.platforms.length > 0 && platform.architectures.length > 0) {
    const hint = 'keep platforms for sparse manifest lists, or architectures for single-architecture or multi payloads';
    const message = 'platforms and architectures cannot be used together';
    // In a deletion platforms win, as in oc-mirror, which puts an architecture into every one (reference §1.3).
    faults[path[0] === 'delete' ? 'warning' : 'error']('CONFIG_CONFLICT', [...path, 'platforms'], message, hint);
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
      const hint = /^[*?]/.test(name) ? 'patterns are regular expressions: write .* for anything' : regexpHint;
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
    requireText(repository.name, [...at, 'name'], faults, 'any name, for messages');
    requireText(repository.url, [...at, 'url'], faults, urlHint);
    if (repository.url !== undefined && !URL.canParse(repository.url))
      faults.error('CONFIG_VALUE', [...at, 'url'], `"${repository.url}" is not a URL`, urlHint);
    if (repository.charts?.length === 0) {
      const message = 'an empty list of charts selects none of them';
      faults.warning(
        'CONFIG_NO_EFFECT',
        [...at, 'charts'],
        message,
        'leave "charts" out for all charts in all versions',
      );
    }
    repository.charts?.forEach((chart, number) => {
      requireText(chart.name, [...at, 'charts', number, 'name'], faults, 'the name of a chart in the index');
      checkPlatforms(chart.platforms, [...at, 'charts', number, 'platforms'], faults);
    });
  });
  helm.local.forEach((chart, index) => {
    requireText(chart.path, [...path, 'local', index, 'path'], faults, 'the folder or .tgz of the chart');
    checkPlatforms(chart.platforms, [...path, 'local', index, 'platforms'], faults);
  });
}
