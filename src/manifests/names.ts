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

/**
 * Names for files, in their order: `nameFromFile`, with a number where two files, or one of `taken`, would share one. Each is an object name of its
 * own, so that no file replaces another.
 */
export function namesFromFiles(files: readonly string[], taken: readonly string[] = []): string[] {
  const used = new Set(taken);
  return files.map((file) => {
    const bare = nameFromFile(file);
    let name = bare;
    for (let count = 2; used.has(name); count += 1) name = `${bare}-${count}`;
    used.add(name);
    return name;
  });
}

/** The longest value of a label, and so of what stands in one: names of pools, hosts and their InfraEnvs. */
const labelLength = 63;

/** The parts joined with `-`; where that is too long for a label, cut and made unique with a suffix. */
export function labelName(...parts: readonly string[]): string {
  const whole = parts.join('-');
  if (whole.length <= labelLength) return whole;
  const suffix = contentSuffix(whole);
  return `${whole.slice(0, labelLength - suffix.length - 1).replace(/-+$/, '')}-${suffix}`;
}
