// Runs bench/webserver-suite.ts: `node bench/webserver.mjs [--size 2GiB] [--rounds 5] [--work DIR]`.
// Node 20 does not read TypeScript, so the suite is put together by esbuild first.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-bench-'));
try {
  const outfile = path.join(folder, 'suite.mjs');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'webserver-suite.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    // Bundled CommonJS packages (node-forge) ask for require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const result = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = result.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
