// Runs bench/bundle-suite.ts: `node bench/bundle.mjs [--set A|B|all] [--work DIR] [--skopeo] [--label TEXT]`.
// Node 20 does not read TypeScript, so the suite is put together by esbuild first.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-bench-'));
try {
  const outfile = path.join(folder, 'suite.cjs');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'bundle-suite.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'warning',
  });
  const result = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = result.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
