import { toolVersion } from '../../core/version.ts';
import type { Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

/** What support asks for first: the tool, and what it runs on. */
export async function runVersion(): Promise<Outcome> {
  const { platform, arch, versions } = process;
  const result = { version: toolVersion, platform, architecture: arch, node: versions.node, openssl: versions.openssl };
  const text = `airlock ${toolVersion} (${platform} ${arch}, Node.js ${versions.node}, OpenSSL ${versions.openssl})`;
  return { exitCode: exitCodes.done, result, text };
}
