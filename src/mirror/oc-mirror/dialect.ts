/*
 * Everything that depends on the text of the real binary stands in this one file: its flags, environment, patterns of its output, exit bits,
 * file names and path rules. Seen at commit 855b64a3 (August 2026); the branches from 4.18 on agree unless a comment says otherwise.
 * To correct something after a run against another version, change it here only.
 * @see reference oc-mirror v2, §2 (command line), §3 (folders), §4.1 (archive), §13.3 (driving it)
 */

/** What a run is asked for. Absent values leave the flag out. */
export interface CommandSettings {
  /** Of the binary: some flags are younger than others. */
  readonly version: string;
  readonly port: number;
  /** Base of the cache: the binary adds `.oc-mirror/.cache`. */
  readonly cacheFolder: string;
  readonly authFile?: string | undefined;
  readonly sourceTlsVerify: boolean;
  readonly targetTlsVerify: boolean;
  readonly retryTimes: number;
  readonly retryDelaySeconds: number;
  readonly parallelImages: number;
  readonly parallelLayers: number;
  readonly removeSignatures: boolean;
  readonly ignoreReleaseSignature: boolean;
  /** Only where it goes to a registry. */
  readonly maxNestedPaths?: number | undefined;
}

/** Mirror to disk: the archive and the working-dir go to `folder`. */
export function mirrorToDiskArguments(configFile: string, folder: string, settings: CommandSettings): string[] {
  return ['--v2', '-c', configFile, `file://${folder}`, ...commonArguments(settings)];
}

/** Mirror to mirror: the working-dir goes to `folder`, images to `target` (`HOST[:PORT][/PREFIX]`). */
export function mirrorToMirrorArguments(
  configFile: string,
  folder: string,
  target: string,
  settings: CommandSettings,
): string[] {
  return [
    '--v2',
    '-c',
    configFile,
    '--workspace',
    `file://${folder}`,
    `docker://${target}`,
    ...commonArguments(settings),
    ...(settings.targetTlsVerify ? [] : ['--dest-tls-verify=false']),
    ...(settings.maxNestedPaths ? ['--max-nested-paths', String(settings.maxNestedPaths)] : []),
  ];
}

/**
 * First step of a deletion: the list goes to `folder/working-dir/delete`. The command knows neither `--max-nested-paths` nor the flags about
 * signatures.
 */
export function deleteListArguments(
  configFile: string,
  folder: string,
  target: string,
  deletion: DeletionSettings,
  settings: CommandSettings,
): string[] {
  return [
    'delete',
    '--v2',
    '--generate',
    '-c',
    configFile,
    '--workspace',
    `file://${folder}`,
    `docker://${target}`,
    ...(deletion.id === undefined ? [] : ['--delete-id', deletion.id]),
    ...(deletion.signatures ? ['--delete-signatures'] : []),
    ...persistentArguments(settings),
    ...(settings.targetTlsVerify ? [] : ['--dest-tls-verify=false']),
  ];
}

/** What a list of deletions is asked for. */
export interface DeletionSettings {
  /** Goes into the names of its files. */
  readonly id?: string | undefined;
  /** Those of the images too. */
  readonly signatures: boolean;
}

function commonArguments(settings: CommandSettings): string[] {
  return [
    ...persistentArguments(settings),
    // Its own limit of 10 minutes for an image, all tries included, is too short for a large one on a slow line.
    '--image-timeout',
    '2h',
    // 4.18 knows neither of the two: it copies no signatures anyhow, and checks those of releases always.
    ...(settings.removeSignatures && !isBefore(settings.version, '4.19') ? ['--remove-signatures'] : []),
    ...(settings.ignoreReleaseSignature ? ['--ignore-release-signature'] : []),
  ];
}

/** Known to every command. */
function persistentArguments(settings: CommandSettings): string[] {
  return [
    '-p',
    String(settings.port),
    '--cache-dir',
    settings.cacheFolder,
    '--log-level',
    'info',
    '--parallel-images',
    String(clamp(settings.parallelImages)),
    '--parallel-layers',
    String(clamp(settings.parallelLayers)),
    '--retry-times',
    String(settings.retryTimes),
    ...(settings.retryDelaySeconds > 0 ? ['--retry-delay', `${settings.retryDelaySeconds}s`] : []),
    ...(settings.authFile === undefined ? [] : ['--authfile', settings.authFile]),
    ...(settings.sourceTlsVerify ? [] : ['--src-tls-verify=false']),
  ];
}

/** It takes 1 to 10 of both. */
function clamp(count: number): number {
  return Math.min(10, Math.max(1, count));
}

/** Up to 4.20 the first one is answered by the code of v1, with a warning about its age; the second is for a build that insists on the flag. */
export const versionCommands = [
  ['version', '--output', 'json'],
  ['version', '--v2', '--output', 'json'],
] as const;

/** The oldest release branch that is driven; before it `--v2` was a preview with another cache layout. */
export const oldestVersion = '4.18';

/** Whether a version is of an earlier release branch. Builds by hand call themselves 0.0.0 or 0.2.0: those count as the newest. */
export function isBefore(version: string, branch: string): boolean {
  const [own, other] = [version, `${branch}.`].map((text) => /^v?(\d+)\.(\d+)\./.exec(text)?.slice(1).map(Number));
  return own?.[0] === other?.[0] && Number(own?.[1]) < Number(other?.[1]);
}

/**
 * Variables that must not reach it: any `REGISTRY_*` reconfigures its embedded registry (`REGISTRY_AUTH_FILE` makes it panic, even when empty);
 * `OC_MIRROR_CACHE` beside `--cache-dir` is refused; `OC_MIRROR` is ours.
 */
export const strippedVariables = /^(?:REGISTRY_.*|OC_MIRROR|OC_MIRROR_CACHE|AIRLOCK_.*)$/;

/** Variables that it reads and that our own settings stand for. */
export const variables = {
  registriesConf: 'CONTAINERS_REGISTRIES_CONF',
  releaseKey: 'OCP_SIGNATURE_VERIFICATION_PK',
  signatureUrl: 'OCP_SIGNATURE_URL',
  updateUrl: 'UPDATE_URL_OVERRIDE',
} as const;

/** A destination path with one of these anywhere in it is refused (`catalogs` holds `logs`). */
export const reservedWords = [
  'cluster-resources',
  'dry-run',
  'graph-preparation',
  'helm',
  'hold-operator',
  'hold-release',
  'delete',
  'logs',
  'operator-catalogs',
  'release-images',
  'signatures',
] as const;

/** Files and folders below its destination and its cache. */
export const places = {
  workingDir: 'working-dir',
  logs: 'working-dir/logs',
  history: 'working-dir/.history',
  catalogs: 'working-dir/operator-catalogs',
  releases: 'working-dir/hold-release',
  signatures: 'working-dir/signatures',
  clusterResources: 'working-dir/cluster-resources',
  deletions: 'working-dir/delete',
  /** Below `--cache-dir`; holds `docker/registry/v2`. */
  cache: '.oc-mirror/.cache',
  archive: /^mirror_[0-9]{6}\.tar$/,
  /** The member that is written last: an archive without it is the rest of a failed build. */
  lastMember: /^isc_/,
  /** One line per image that failed. */
  errorsFile: /^mirroring_errors_.*\.txt$/,
} as const;

/** The name of a history file: its blobs are left out of the next archive. */
export function historyName(at: Date): string {
  return `.history-${at.toISOString().replace(/\.\d{3}Z$/, 'Z')}`;
}

/** It colours its output whatever it is written to. */
export const colours = /\x1b\[[0-9;]*[A-Za-z]/g;

/** A stamped line: level and text. A line without a stamp belongs to the one before it. */
export const stampedLine = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\s+\[(\w+)\]\s+: ?(.*)$/s;

/** Texts of stamped lines; the emoji before some of them are not evidence and are skipped. */
export const texts = {
  version: /environment version: (\S+)/,
  collecting: /collecting (release|operator|additional|helm) images\.\.\./,
  total: /images to copy (\d+)/,
  /** An arrow and the destination follow. */
  copied: /^Success copying (?:docker:\/\/)?(\S+) /,
  failed: /^Failed to copy (\S+) (?:docker:\/\/)?(\S+)/,
  /** On the output, and without the worker's name in the errors file. Operator images have their bundles behind the reference. */
  imageError:
    /^(?:\[Worker\] )?error mirroring image (?:docker:\/\/)?(\S+)(?: \(Operator bundles: .*? - Operators: .*?\))? error: (.*)$/s,
  archiving: /Preparing the tarball archive/,
  rebuilding: /[Rr]ebuilding catalogs?/,
  /** The last line of a failed run. */
  final: /^\[Executor\] (.*)$/s,
  /** Part of the final line where single images failed: they are listed elsewhere. */
  someFailed: /some errors occurred during the mirroring/,
  portBusy: /is already bound and cannot be used/,
  configInvalid:
    /invalid configuration|configuration missing|cannot parse .* as |decode \w+:|parsing config|duplicate|unmarshal/i,
  nothingToDo: /no images to copy/,
  /** The archive stage looks for a cosign tag of a release image that has none (4.19 and newer). */
  signatureAbsent: /\.sig in localhost:\d+\/openshift\/release/,
  /** Causes that lie with a service, not with the content: Go's and the copy library's words. */
  unreachable:
    /dial tcp|no such host|connection (?:refused|reset)|i\/o timeout|deadline exceeded|unauthorized|denied|authentication required|x509|tls:|unexpected EOF|received unexpected HTTP status|\b50[0234] (?:internal|bad|service|gateway)/i,
  /** An image reference in a sentence. */
  reference: /(?:^|[\s"'(]|:\/\/)((?:[\w-]+\.)+[\w-]+(?::\d+)?\/[\w./-]+(?:(?::|@sha256:)[\w.-]+)?)/,
} as const;

/** A Go panic: it ends with 2 as a failed release does, and says so on standard error. */
export const panicLine = /^(?:panic: |fatal error: |goroutine \d+ \[)/;
/** klog's fatal line, with 255. */
export const fatalLine = /^F(?:\d{4} .*?\]|<KLOG> \S+\]) (.*)$/;

export const exit = {
  done: 0,
  generic: 1,
  /** Content that is missing, added up. */
  bits: { release: 2, operator: 4, additional: 8, helm: 16 },
  panic: 2,
  fatal: 255,
} as const;
