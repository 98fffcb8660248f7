import path from 'node:path';
import { AirlockError, errorText } from '../../core/errors.ts';
import type { Stage } from '../../core/events.ts';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type AuthJson, decodeAuthEntry, findAuthEntry, parseAuthJson } from './auth-json.ts';
import { askCredentialHelper } from './credential-helper.ts';
import { type CredentialSource, canonicalRegistry, type FoundCredential } from './credentials.ts';

/** Where credentials are looked for; `authEnvironment` fills in all but `authFile`. */
export interface AuthFileOptions {
  /** `--authfile`: then nothing else is read, and it must be readable. */
  readonly authFile?: string;
  /** REGISTRY_AUTH_FILE: likewise, when no `authFile` is given. */
  readonly registryAuthFile?: string;
  /** The files to look into otherwise, in order; missing ones are passed over. The first with an entry for the registry decides. */
  readonly defaultFiles?: readonly string[];
  /** For credential helpers; default: this process's own environment. */
  readonly helperEnv?: NodeJS.ProcessEnv;
  /** The stage of the log event that says which file was used; default plan. */
  readonly stage?: Stage;
}

/** Who runs the tool: needed for the default places. */
export interface AuthUser {
  readonly homeDir?: string;
  readonly uid?: number;
}

const authFileLimitBytes = 4 << 20;

/** The look-up order of the containers tools, from the environment. Pure. */
export function authEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  user: AuthUser,
): Pick<AuthFileOptions, 'registryAuthFile' | 'defaultFiles'> {
  const { homeDir, uid } = user;
  const runtime =
    env['XDG_RUNTIME_DIR'] || uid === undefined
      ? env['XDG_RUNTIME_DIR'] && path.join(env['XDG_RUNTIME_DIR'], 'containers/auth.json')
      : `/run/containers/${uid}/auth.json`;
  const config = env['XDG_CONFIG_HOME'] || (homeDir && path.join(homeDir, '.config'));
  const docker = env['DOCKER_CONFIG'] || (homeDir && path.join(homeDir, '.docker'));
  const files = [
    runtime,
    config && path.join(config, 'containers/auth.json'),
    docker && path.join(docker, 'config.json'),
    homeDir && path.join(homeDir, '.dockercfg'),
  ];
  return {
    ...(env['REGISTRY_AUTH_FILE'] ? { registryAuthFile: env['REGISTRY_AUTH_FILE'] } : {}),
    defaultFiles: files.filter((file): file is string => typeof file === 'string' && file !== ''),
  };
}

/** Credentials from files, read once each; says once per registry which file was used. */
export function createAuthFiles(options: AuthFileOptions): CredentialSource {
  const named = options.authFile ?? options.registryAuthFile;
  const files = named === undefined ? (options.defaultFiles ?? []) : [named];
  const read = new Map<string, Promise<AuthJson | undefined>>();
  const found = new Map<string, Promise<FoundCredential | undefined>>();
  const told = new Set<string>();

  const load = (file: string, run: Run): Promise<AuthJson | undefined> => {
    const known = read.get(file) ?? loadFile(file, file === named, options, run);
    read.set(file, known);
    return known;
  };

  const look = async (registry: string, repository: string, run: Run): Promise<FoundCredential | undefined> => {
    for (const file of files) {
      const content = await load(file, run);
      const hit = content && (await findInFile(content, file, registry, repository, options.helperEnv, run));
      if (hit) return hit;
    }
    return undefined;
  };

  return {
    async find(registry, repository, run) {
      const key = `${registry}/${repository}`;
      const asked = found.get(key) ?? look(registry, repository, run);
      found.set(key, asked);
      asked.catch(() => found.delete(key));
      const hit = await asked;
      if (!told.has(registry)) {
        told.add(registry);
        const message = hit
          ? `${registry}: using credentials ${hit.key} from ${hit.origin}`
          : `${registry}: no credentials found (looked into ${files.join(', ') || 'no file'})`;
        run.report({ stage: options.stage ?? 'plan', state: 'log', level: hit ? 'info' : 'debug', message });
      }
      return hit;
    },
  };
}

/** Credentials from a text such as a pull secret. @throws AirlockError AUTHFILE_INVALID */
export function credentialsFromAuthJson(text: string, origin: string): CredentialSource {
  const content = parseAuthJson(text, origin);
  return { find: (registry, repository, run) => findInFile(content, origin, registry, repository, undefined, run) };
}

/** Which credentials a registry would be asked with, as a sentence for people; never the secret. */
export async function describeCredentials(
  source: CredentialSource,
  registry: string,
  repository: string,
  run: Run,
): Promise<string> {
  const hit = await source.find(registry, repository, run);
  if (!hit) return `${registry}: anonymous, no credentials found`;
  const who = hit.credential.kind === 'password' ? `user ${hit.credential.username}` : 'a token';
  return `${registry}: ${who}, from ${hit.key} in ${hit.origin}`;
}

async function findInFile(
  content: AuthJson,
  file: string,
  registry: string,
  repository: string,
  helperEnv: NodeJS.ProcessEnv | undefined,
  run: Run,
): Promise<FoundCredential | undefined> {
  const host = canonicalRegistry(registry);
  const helper = content.helpers.get(host);
  const helped = helper && (await askCredentialHelper(helper, host, helperEnv, run));
  if (helped) return { credential: helped, origin: `helper ${helper} of ${file}`, key: host };
  const entry = findAuthEntry(content, registry, repository);
  const own = entry && decodeAuthEntry(entry, file);
  if (own) return { credential: own, origin: file, key: entry.key };
  const stored = content.store && (await askCredentialHelper(content.store, host, helperEnv, run));
  return stored ? { credential: stored, origin: `store ${content.store} of ${file}`, key: host } : undefined;
}

async function loadFile(
  file: string,
  required: boolean,
  options: AuthFileOptions,
  run: Run,
): Promise<AuthJson | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await findFile(file, run, authFileLimitBytes);
  } catch (error) {
    throw new AirlockError('AUTHFILE_UNREADABLE', errorText(error), { cause: error });
  }
  if (bytes) return parseAuthJson(bytes.toString('utf8'), file);
  if (!required) return undefined;
  const from = options.authFile === undefined ? 'REGISTRY_AUTH_FILE' : '--authfile';
  throw new AirlockError('AUTHFILE_UNREADABLE', `${file} (${from}) does not exist`, {
    hint: 'name an existing file; without one the usual places are looked into',
  });
}
