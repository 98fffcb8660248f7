import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { runCommand } from '../../core/run-command.ts';
import type { Credential } from './credentials.ts';

/**
 * Asks `docker-credential-NAME get`; undefined when it knows nothing of the registry.
 * @throws AirlockError CREDENTIAL_HELPER_FAILED, COMMAND_NOT_FOUND
 */
export async function askCredentialHelper(
  name: string,
  registry: string,
  env: NodeJS.ProcessEnv | undefined,
  run: Run,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  // A name with a slash would run a program from any folder.
  if (!/^[\w.-]+$/.test(name)) throw new AirlockError('CREDENTIAL_HELPER_FAILED', `"${name}" is not a helper's name`);
  const server = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
  const result = await runCommand(program, ['get'], { input: server, ...(env ? { env } : {}) }, run);
  // Helpers say so on stdout. @see docker-credential-helpers, "credentials not found in native keychain"
  if (result.exitCode !== 0 && /not found/i.test(result.stdout + result.stderr)) return undefined;
  const answer = result.exitCode === 0 ? parseAnswer(result.stdout) : undefined;
  if (answer === undefined) {
    // Its stdout may hold a secret; stderr is for people.
    const said = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new AirlockError(
      'CREDENTIAL_HELPER_FAILED',
      `${program} gave no credentials for ${registry} (exit ${result.exitCode ?? result.signal ?? '?'})${said ? `: ${said}` : ''}`,
    );
  }
  if (answer.username === '<token>') return { kind: 'identity', token: answer.secret };
  return { kind: 'password', username: answer.username, password: answer.secret };
}

function parseAnswer(text: string): { username: string; secret: string } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (json === null || typeof json !== 'object' || !('Username' in json) || !('Secret' in json)) return undefined;
  const { Username: username, Secret: secret } = json;
  return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined;
}
