import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { quietRun, type Run } from '../../src/core/run.ts';
import { startWebServer, type WebFile, type WebServer, type WebServerOptions } from '../../src/webserver/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** Where the test image is served. */
export const isoPath = '/rhcos/9.6.20250701-0/x86_64/kitchen-live.x86_64.iso';

/** The index entry of `content`, not written anywhere yet. */
export function entryOf(file: string, content: Buffer, urlPath = isoPath): WebFile {
  return { path: urlPath, file, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** A file in a fresh folder, with its index entry. */
export async function isoFile(content: Buffer): Promise<WebFile> {
  const file = path.join(await temporaryFolder(), 'kitchen.iso');
  await writeFile(file, content);
  return entryOf(file, content);
}

/** A server on an IPv6 loopback port, closed when the test is over. */
export async function start(
  options: Partial<WebServerOptions>,
  run: Run = quietRun(),
): Promise<{ server: WebServer; url: string; port: number }> {
  const server = await startWebServer(
    { listen: [{ address: '::1', port: 0 }], files: [], title: 'Kitchen', ...options },
    run,
  );
  onTestFinished(() => server.close());
  const port = server.addresses[0]?.port ?? 0;
  return { server, port, url: `${options.listen?.[0]?.tls ? 'https' : 'http'}://[::1]:${port}` };
}
