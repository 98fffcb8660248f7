import { existsSync, readFileSync } from 'node:fs';
import type { KubeConfig } from '@kubernetes/client-node';
import { AirlockError, errorText } from '../core/errors.ts';
import { parseYaml } from '../core/yaml.ts';
import { fieldAt } from './fields.ts';

/**
 * Where a kubeconfig comes from: a file (paths in it start at its folder), or text as hosted clusters keep it in a Secret, with a `name` for
 * messages.
 */
export type KubeconfigSource = { readonly file: string } | { readonly text: string; readonly name?: string };

/** The library is some 800 files; most commands never talk to a cluster and start in half the time without it. */
export function loadLibrary(): Promise<typeof import('@kubernetes/client-node')> {
  return import('@kubernetes/client-node');
}

/** A kubeconfig whose current context is whole: cluster and user are in it, the files that they name are there. @throws AirlockError KUBECONFIG_INVALID */
export async function loadKubeconfig(source: KubeconfigSource): Promise<KubeConfig> {
  const { KubeConfig } = await loadLibrary();
  const name = 'file' in source ? source.file : (source.name ?? 'the kubeconfig');
  const config = new KubeConfig();
  try {
    assertMapping('file' in source ? readFileSync(source.file, 'utf8') : source.text, name);
    if ('file' in source) config.loadFromFile(source.file);
    else config.loadFromString(source.text);
  } catch (error) {
    if (error instanceof AirlockError) throw error;
    throw invalid(`${name} cannot be read as a kubeconfig: ${errorText(error)}`, error);
  }
  assertContext(config, name);
  assertFiles(config, name);
  return config;
}

/** The library takes what is no mapping for an empty kubeconfig, or trips over it. */
function assertMapping(text: string, name: string): void {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    const [start] = (fieldAt(error, 'linePos') as readonly { line: number; col: number }[] | undefined) ?? [];
    const place = start ? `${name}:${start.line}:${start.col}` : name;
    // The rest of the message is an excerpt, which may hold a token.
    const reason =
      errorText(error)
        .split('\n')[0]
        ?.replace(/ at line .*$| \(\d+:\d+\)$|:$/, '') ?? '';
    throw invalid(`${place}: no YAML: ${reason}`);
  }
  if (!Array.isArray(fieldAt(value, 'clusters')))
    throw invalid(`${name} is no kubeconfig: ${text.trim() === '' ? 'it is empty' : 'it has no list of clusters'}`);
}

function assertContext(config: KubeConfig, name: string): void {
  const contexts = config.getContexts().map((context) => context.name);
  const known = contexts.length > 0 ? `it has ${contexts.join(', ')}` : 'it has none';
  const current = config.getCurrentContext();
  if (!current) throw invalid(`${name} names no current-context: ${known}`);
  const context = config.getContextObject(current);
  if (!context) throw invalid(`${name}: its current-context ${current} is none of its contexts: ${known}`);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw invalid(`${name}: its context ${current} is for cluster ${context.cluster}, which is not in it`);
  const { protocol } = URL.canParse(cluster.server) ? new URL(cluster.server) : { protocol: '' };
  if (protocol !== 'https:' && !(protocol === 'http:' && cluster.skipTLSVerify))
    throw invalid(`${name}: the server of cluster ${cluster.name}, ${cluster.server}, is no https:// URL`);
  // A context may be without a user, as for a proxy that knows who asks.
  if (context.user && !config.getCurrentUser())
    throw invalid(`${name}: its context ${current} is for user ${context.user}, who is not in it`);
}

function assertFiles(config: KubeConfig, name: string): void {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const named = {
    'certificate-authority': cluster?.caData ? undefined : cluster?.caFile,
    'client-certificate': user?.certData ? undefined : user?.certFile,
    'client-key': user?.keyData ? undefined : user?.keyFile,
  };
  for (const [field, file] of Object.entries(named))
    if (file !== undefined && !existsSync(file))
      throw invalid(
        `${name}: its ${field}, ${file}, does not exist`,
        undefined,
        'bring the file along, or make a kubeconfig that holds it: oc config view --flatten --raw',
      );
}

function invalid(
  message: string,
  cause?: unknown,
  hint = "use the installer's auth/kubeconfig, or another of the cluster's administrator",
): AirlockError {
  return new AirlockError('KUBECONFIG_INVALID', message, { hint, ...(cause === undefined ? {} : { cause }) });
}
