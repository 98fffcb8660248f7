import { createHash } from 'node:crypto';
import { measureFile } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { HttpAccess } from '../mirror/index.ts';
import { digestFromHex } from '../oci/index.ts';
import type { KeptBlobs } from '../plan/index.ts';

/** A tool that the user brings: a file of this host, or a URL whose content is known beforehand. */
export type NamedTool =
  | { readonly kind: 'file'; readonly name: string; readonly place: string; readonly sha256: string | undefined }
  | { readonly kind: 'url'; readonly name: string; readonly place: string; readonly sha256: string };

/**
 * Reads `NAME=FILE[#sha256:HEX]` or `NAME=URL#sha256:HEX`; undefined for text without `=`.
 * @throws AirlockError USAGE
 */
export function parseNamedTool(text: string): NamedTool | undefined {
  const equals = text.indexOf('=');
  if (equals < 0) return undefined;
  const name = text.slice(0, equals);
  const [, place = '', sha256] = /^(.+?)(?:#sha256:([0-9a-f]{64}))?$/.exec(text.slice(equals + 1)) ?? [];
  // It becomes a file's name on the bastion.
  if (!/^[A-Za-z0-9][\w.+-]*$/.test(name) || name === 'airlock' || name === 'SHA256SUMS' || place === '')
    throw new AirlockError('USAGE', `"${text}" is no tool`, { hint: 'write NAME=FILE or NAME=URL#sha256:HEX' });
  if (!/^https?:\/\//.test(place)) return { kind: 'file', name, place, sha256 };
  if (sha256 === undefined)
    throw new AirlockError('USAGE', `nobody knows what ${place} has to be`, { hint: 'add #sha256:HEX to the URL' });
  return { kind: 'url', name, place, sha256 };
}

/** Puts a local file into the workspace. @throws AirlockError FILE_NOT_FOUND, DIGEST_MISMATCH */
export async function keepLocalFile(
  tool: Extract<NamedTool, { kind: 'file' }>,
  kept: KeptBlobs,
  run: Run,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  if ((await run.disk.stat(tool.place))?.kind !== 'file')
    throw new AirlockError('FILE_NOT_FOUND', `${tool.place} is no file`, { hint: 'look at --tools' });
  const measured = await measureFile(tool.place, run);
  if (tool.sha256 !== undefined && tool.sha256 !== measured.sha256) {
    throw new AirlockError(
      'DIGEST_MISMATCH',
      `sha256 of ${tool.place} is ${measured.sha256}, and --tools says ${tool.sha256}`,
    );
  }
  if (!(await kept.has(digestFromHex(measured.sha256), run))) {
    await kept.putFile(async (file) => {
      const from = await run.disk.open(tool.place, 'read');
      const hash = createHash('sha256');
      try {
        const buffer = Buffer.allocUnsafe(1 << 20);
        for (let done = 0; ; ) {
          const count = await from.read(buffer, done);
          if (count === 0) return digestFromHex(hash.digest('hex'));
          hash.update(buffer.subarray(0, count));
          await file.write(buffer.subarray(0, count), done);
          done += count;
        }
      } finally {
        await from.close();
      }
    }, run);
  }
  return measured;
}

/** Size of what a URL gives, by HEAD. @throws AirlockError TOOL_MISSING */
export async function measureUrl(url: string, http: HttpAccess, run: Run): Promise<number> {
  const { status, sizeBytes } = await http.headUrl(url, run);
  if (status === 200 && sizeBytes !== undefined) return sizeBytes;
  throw new AirlockError('TOOL_MISSING', `${url} answers ${status}${status === 200 ? ' without its size' : ''}`);
}
