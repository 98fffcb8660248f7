import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import type { EngineSearch } from '../registry/index.ts';
import {
  type BastionRequest,
  type LoadTarget,
  type PlanRequest,
  parseLoadTarget,
  type SelectionSettings,
  type SourceSettings,
  type TargetSettings,
  withNestedPaths,
} from '../workflow/index.ts';
import type { Flags, Invocation } from './command.ts';

/** A path from the user: `file://` taken away, relative to the working folder. */
export function userPath(invocation: Invocation, text: string): string {
  return path.resolve(invocation.world.cwd, text.replace(/^file:\/\//, ''));
}

/** `-f, --site`: as given, else ./site.yaml where there is one. */
export async function findSiteFile(invocation: Invocation): Promise<string | undefined> {
  const given = invocation.flags.text('site');
  if (given !== undefined) return userPath(invocation, given);
  const usual = path.join(invocation.world.cwd, 'site.yaml');
  return (await invocation.run.disk.stat(usual)) ? usual : undefined;
}

/** The site file of a command that cannot do without. @throws AirlockError USAGE */
export async function getSiteFile(invocation: Invocation): Promise<string> {
  const file = await findSiteFile(invocation);
  if (file !== undefined) return file;
  throw new AirlockError('USAGE', 'no site file: there is no ./site.yaml here', {
    hint: 'name one with -f FILE, or write one with airlock init',
  });
}

export function sourceSettings(invocation: Invocation): SourceSettings {
  const { flags, world } = invocation;
  return {
    authFile: pathFlag(invocation, 'authfile'),
    tlsVerify: flags.boolean('srcTlsVerify') ?? true,
    caFile: pathFlag(invocation, 'srcCaFile'),
    registriesConfFile: pathFlag(invocation, 'registriesConf'),
    retryTimes: flags.number('retryTimes') ?? 5,
    retryDelaySeconds: flags.number('retryDelay') ?? 0,
    parallelImages: flags.number('parallelImages') ?? 4,
    parallelLayers: flags.number('parallelLayers') ?? 8,
    maxBytesPerSecond: flags.number('maxBandwidth'),
    env: world.env,
    homeFolder: world.homeFolder,
    uid: world.uid,
  };
}

export function targetSettings(invocation: Invocation): TargetSettings {
  return {
    authFile: pathFlag(invocation, 'authfile'),
    tlsVerify: invocation.flags.boolean('destTlsVerify') ?? true,
    caFile: pathFlag(invocation, 'destCaFile'),
  };
}

/** `docker://HOST[:PORT][/PREFIX]` or `storage:DIR`, with `--max-nested-paths`. @throws AirlockError TARGET_INVALID, NESTED_PATHS_INVALID, USAGE */
export function loadTarget(invocation: Invocation, text: string): LoadTarget {
  const target = parseLoadTarget(text, invocation.world.cwd);
  const maxNestedPaths = invocation.flags.number('maxNestedPaths');
  if (maxNestedPaths === undefined || maxNestedPaths === 0) return target;
  if (target.kind === 'registry') return withNestedPaths(target, maxNestedPaths);
  throw new AirlockError('USAGE', '--max-nested-paths is about registries', {
    hint: 'a storage folder has no such limit; load into docker://HOST[:PORT][/PREFIX]',
  });
}

function selectionSettings(invocation: Invocation): SelectionSettings {
  const { flags, world } = invocation;
  return {
    coreosArchitectures: coreosArchitectures(flags),
    coreosBaseUrl: flags.text('rhcosUrl'),
    releaseKeyFile: pathFlag(invocation, 'releaseKey') ?? world.env['OCP_SIGNATURE_VERIFICATION_PK'],
    ignoreReleaseSignature: flags.on('ignoreReleaseSignature'),
    removeSignatures: flags.on('removeSignatures'),
    updateUrl: world.env['UPDATE_URL_OVERRIDE'],
    graphUrl: flags.text('graphUrl'),
    signatureUrl: world.env['OCP_SIGNATURE_URL'],
  };
}

function coreosArchitectures(flags: Flags): SelectionSettings['coreosArchitectures'] {
  const value = flags.raw('rhcos');
  if (value === false) return [];
  if (value === true) return 'from-releases';
  return flags.list('rhcos');
}

/** What `plan`, `build` and `mirror` have in common. `folder` is DIR. */
export async function planRequest(invocation: Invocation, folder: string): Promise<PlanRequest> {
  const imageSet = pathFlag(invocation, 'config');
  const siteFile = await findSiteFile(invocation);
  if (imageSet === undefined && siteFile === undefined) {
    throw new AirlockError('USAGE', 'no ImageSetConfiguration', {
      hint: 'name one with -c FILE, or a site file with -f FILE; airlock init writes both',
    });
  }
  const target = userPath(invocation, folder);
  if ((await invocation.run.disk.stat(target))?.kind === 'file') {
    throw new AirlockError('USAGE', `${target} is a file, and generations go into a folder`, {
      hint: `name a folder; an ImageSetConfiguration is named with -c: -c ${folder}`,
    });
  }
  return {
    imageSetFile: imageSet,
    siteFile,
    folder: target,
    workspace: pathFlag(invocation, 'workspace'),
    volumeSizeBytes: invocation.flags.number('volumeSize'),
    full: invocation.flags.on('full'),
    baseFile: pathFlag(invocation, 'base'),
    baseKeyFile: pathFlag(invocation, 'baseKey'),
    toolFile: await toolFile(invocation),
    tools: toolList(invocation),
    toolsArchitecture: invocation.flags.text('toolsArch'),
    signed: invocation.flags.text('signingKey') !== undefined,
    partSizeBytes: invocation.flags.number('partSize'),
    partsFolder: pathFlag(invocation, 'partsDir'),
    blockBytes: invocation.flags.number('blockSize'),
    createdAt: sourceDate(invocation),
    source: sourceSettings(invocation),
    selection: selectionSettings(invocation),
  };
}

/** `--tools NAME,…`: files of this host relative to the working folder; `none` is an empty list. */
function toolList(invocation: Invocation): readonly string[] | undefined {
  const names = invocation.flags.list('tools');
  if (names?.length === 1 && names[0] === 'none') return [];
  return names?.map((text) => {
    const [, name, place = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    return name === undefined || /^https?:/.test(place) ? text : `${name}=${userPath(invocation, place)}`;
  });
}

/**
 * The executable that the bundle carries: `--tool FILE`, none for `--tool none`; else this program when it is a packaged one, or the one that
 * `npm run package` made in a checkout.
 */
async function toolFile(invocation: Invocation): Promise<string | undefined> {
  const given = invocation.flags.text('tool');
  if (given !== undefined) return given === 'none' ? undefined : userPath(invocation, given);
  const [program = '', script] = invocation.world.selfCommand;
  if (script === undefined) return program;
  const made = path.resolve(path.dirname(script), '../../dist-bin', `airlock-linux-${process.arch}`);
  return (await invocation.run.disk.stat(made)) ? made : undefined;
}

/** @see reproducible-builds.org, SOURCE_DATE_EPOCH: seconds since 1970 */
function sourceDate(invocation: Invocation): Date | undefined {
  const text = invocation.world.env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,11}$/.test(text))
    throw new AirlockError('USAGE', `SOURCE_DATE_EPOCH="${text}" is not a number of seconds`);
  return new Date(Number(text) * 1000);
}

/** A flag that holds a path, made absolute. */
export function pathFlag(invocation: Invocation, name: string): string | undefined {
  const value = invocation.flags.text(name);
  return value === undefined ? undefined : userPath(invocation, value);
}

/** Which bastion is meant: folders by flag, or a site file. */
export async function bastionRequest(invocation: Invocation): Promise<BastionRequest> {
  const storageFolder = pathFlag(invocation, 'storage');
  // Folders by name are a bastion without a site, unless the site was asked for.
  const needsSite = storageFolder === undefined || invocation.flags.text('site') !== undefined;
  return {
    siteFile: needsSite ? await findSiteFile(invocation) : undefined,
    storageFolder,
    stateFolder: pathFlag(invocation, 'stateDir'),
  };
}

/** How this tool is started again: the program that runs it, and its script where there is one. */
export function selfCommand(invocation: Invocation): readonly string[] {
  return invocation.world.selfCommand;
}

/** Where Podman may answer. */
export function engineSearch(invocation: Invocation): EngineSearch {
  const { env, homeFolder, uid } = invocation.world;
  return {
    userId: uid ?? 0,
    home: homeFolder,
    ...(env['CONTAINER_HOST'] ? { containerHost: env['CONTAINER_HOST'] } : {}),
    ...(env['DOCKER_HOST'] ? { dockerHost: env['DOCKER_HOST'] } : {}),
    ...(env['XDG_RUNTIME_DIR'] ? { runtimeFolder: env['XDG_RUNTIME_DIR'] } : {}),
  };
}
