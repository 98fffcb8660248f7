import { spawn } from 'node:child_process';
import path from 'node:path';
import { createHttp } from '../src/core/http.ts';
import { mapLimited } from '../src/core/limit.ts';
import { quietRun } from '../src/core/run.ts';
import { createRemote, type Digest } from '../src/oci/index.ts';
import { type BenchSet, listImages } from './bundle-sets.ts';

const run = quietRun();

/** Serves a bundle in place with the built command line, as a process of its own. */
export async function serveBundle(folder: string): Promise<{ readonly host: string; stop(): void }> {
  const main = path.resolve('dist/cli/main.js');
  const child = spawn(process.execPath, [main, 'registry', 'serve', '--bundle', folder, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const host = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.on('exit', (code) => reject(new Error(`registry serve ended with ${code}`)));
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
      const found = /http:\/\/(\S+?)\/?\s/.exec(said)?.[1];
      if (found) resolve(found);
    });
  });
  return { host, stop: () => void child.kill() };
}

/** Pulls every image of a set, each blob once, eight at once, hashed by the client: what a client sees of a registry's rate. */
export async function pullSet(set: BenchSet, registry: string): Promise<void> {
  const http = createHttp({ insecure: true, connectionsPerHost: 16 });
  const remote = createRemote({ http, tlsVerify: false, retry: { retryTimes: 1 } });
  const seen = new Set<Digest>();
  await mapLimited(listImages(set), 8, async ({ repository, tag }) => {
    const { bytes } = await remote.fetchManifest({ registry, repository, tag }, run);
    const { config, layers } = JSON.parse(bytes.toString()) as ManifestBlobs;
    for (const blob of [config, ...layers]) {
      if (seen.has(blob.digest)) continue;
      seen.add(blob.digest);
      for await (const _ of await remote.fetchBlob({ registry, repository }, blob, 0, run));
    }
  });
  await http.close();
}

interface ManifestBlobs {
  readonly config: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
  readonly layers: readonly ManifestBlobs['config'][];
}
