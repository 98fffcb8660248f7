import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundleModules } from '../scripts/bundle.mjs';

/** Runs `bench/NAME-suite.ts` with this process's arguments. Node 20 does not read TypeScript, so esbuild puts the suite together first. */
export async function runSuite(name) {
  // Beside the packages: what is loaded at run time (koffi) is looked for from there.
  const folder = mkdtempSync(path.join(import.meta.dirname, '../node_modules/.airlock-bench-'));
  try {
    const outfile = path.join(folder, 'suite.mjs');
    await bundleModules({ entryPoints: [path.join(import.meta.dirname, `${name}-suite.ts`)], outfile });
    const result = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
    process.exitCode = result.status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
