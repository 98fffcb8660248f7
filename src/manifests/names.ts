import { createHash } from 'node:crypto';
import path from 'node:path';

/** Architecture spellings of the parts that need another one than OpenShift's (`amd64`). */
const streamSpellings: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** For InfraEnv and AgentServiceConfig: x86_64, arm64, ppc64le, s390x. */
export function cpuArchitecture(architecture: string): string {
  return architecture === 'amd64' ? 'x86_64' : architecture;
}

/** For BareMetalHosts and CoreOS streams: x86_64, aarch64, ppc64le, s390x. */
export function streamArchitecture(architecture: string): string {
  return streamSpellings[architecture] ?? architecture;
}

/** An object name from the name of a file: `chrony servers.yaml` → `chrony-servers`. */
export function nameFromFile(file: string): string {
  const bare = path.basename(file).replace(/\.(ya?ml|json|sh)$/i, '');
  return (
    bare
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'file'
  );
}

/** Eight hex digits that change with the content. */
export function contentSuffix(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 8);
}
