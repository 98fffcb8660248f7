// Makes one self-contained executable of the tool: `npm run package [-- --node FILE] [--out FILE]`.
//
// The sources become one CommonJS file (esbuild), that becomes the blob of a Node single executable, and postject puts the blob into a copy
// of a Node binary: this one, or the one of --node, which may be of another architecture (then without code cache, which is of one binary).
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { inject } from 'postject';
import { bundleOptions } from './bundle.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
// The fuse of Node's documentation on single executables: its presence says that a binary takes a blob.
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const machines = { 62: 'x64', 183: 'arm64' };

const { values } = parseArgs({ options: { node: { type: 'string' }, out: { type: 'string' } } });
const node = path.resolve(values.node ?? process.execPath);
const architecture = await readArchitecture(node);
const out = path.resolve(values.out ?? path.join(root, 'dist-bin', `airlock-linux-${architecture}`));
const work = await mkdtemp(path.join(os.tmpdir(), 'airlock-package-'));
try {
  const script = path.join(work, 'airlock.cjs');
  await bundleSources(script);
  const blob = path.join(work, 'airlock.blob');
  await makeBlob(script, blob);
  await assemble(blob);
  const { size } = await stat(out);
  process.stdout.write(`${out} (${Math.round(size / 1024 / 1024)} MiB, ${architecture})\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function bundleSources(outfile) {
  await build({
    stdin: {
      // The entry of a package may not await at its top: main.ts does.
      contents:
        "import './src/cli/compile-less.ts';\nimport { runMain } from './src/cli/run-main.ts';\nrunMain(process.argv.slice(2)).then((code) => { process.exitCode = code; });\n",
      resolveDir: root,
      sourcefile: 'airlock.ts',
      loader: 'ts',
    },
    ...bundleOptions,
    outfile,
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    // Packages that find their own files by import.meta.url ask for something that a single file does not have.
    define: { 'import.meta.url': '__airlock_url' },
    banner: {
      // The require that a single executable gets warns of everything but built-in modules.
      js: "require = require('node:module').createRequire(process.execPath); const __airlock_url = require('node:url').pathToFileURL(process.execPath).href;",
    },
  });
}

async function makeBlob(main, output) {
  const config = `${main}.json`;
  const isOwn = architecture === process.arch;
  const settings = { disableExperimentalSEAWarning: true, useCodeCache: isOwn, useSnapshot: false };
  await writeFile(config, JSON.stringify({ main, output, ...settings, assets: nativeModules() }));
  // The blob belongs to the binary that made it; one of another architecture cannot run here.
  await promisify(execFile)(isOwn ? node : process.execPath, ['--experimental-sea-config', config]);
}

/** What `src/core/koffi.ts` looks for; none for an architecture whose package is not installed here: the tool is slower without, not less. */
function nativeModules() {
  const koffi = path.join(root, `node_modules/@koromix/koffi-linux-${architecture}/linux_${architecture}/koffi.node`);
  return existsSync(koffi) ? { 'koffi.node': koffi } : {};
}

async function assemble(blob) {
  await mkdir(path.dirname(out), { recursive: true });
  const partial = `${out}.partial`;
  await rm(partial, { force: true });
  await copyFile(node, partial);
  await chmod(partial, 0o755);
  await inject(partial, 'NODE_SEA_BLOB', await readFile(blob), { sentinelFuse: fuse });
  await rename(partial, out);
}

/** `x64` or `arm64`, from the ELF header (e_machine at byte 18). */
async function readArchitecture(file) {
  const handle = await open(file);
  try {
    const header = Buffer.alloc(20);
    await handle.read(header, 0, 20, 0);
    const found = header.toString('latin1', 0, 4) === '\x7fELF' ? machines[header.readUInt16LE(18)] : undefined;
    if (found) return found;
    throw new Error(`${file} is no Node binary for Linux on x86_64 or aarch64`);
  } finally {
    await handle.close();
  }
}
