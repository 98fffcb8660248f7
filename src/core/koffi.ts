import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** Name of koffi's native module among the assets of the packaged tool (`scripts/package.mjs`). */
const asset = 'koffi.node';

/**
 * koffi, an optional package: as it is installed, or out of the packaged tool. @throws whatever keeps it from being loaded; nothing but speed depends
 * on it
 */
export function loadKoffi(): unknown {
  const packed = findPackedModule();
  // Not by `import`: an optional package must not stop the program from starting, nor from being compiled.
  return packed ? loadNative(packed) : createRequire(import.meta.url)('koffi');
}

/** The native module inside of this executable, undefined where a Node runs the sources. @see Node.js, "Single executable applications" */
function findPackedModule(): Uint8Array | undefined {
  const sea = process.getBuiltinModule?.('node:sea') as
    | { isSea?(): boolean; getRawAsset?(name: string): ArrayBuffer }
    | undefined;
  return sea?.isSea?.() && sea.getRawAsset ? new Uint8Array(sea.getRawAsset(asset)) : undefined;
}

/** The system loads modules from files only: one is there for that moment, in a folder that nobody else can look into. */
function loadNative(bytes: Uint8Array): unknown {
  let refused: unknown;
  // A temporary folder may forbid that anything in it is run; that of the executable cannot, but may be read-only.
  for (const parent of [os.tmpdir(), path.dirname(process.execPath)]) {
    let folder: string | undefined;
    try {
      folder = fs.mkdtempSync(path.join(parent, '.airlock-'));
      const file = path.join(folder, asset);
      fs.writeFileSync(file, bytes, { mode: 0o700 });
      const target = { exports: {} };
      process.dlopen(target, file);
      return target.exports;
    } catch (error) {
      refused = error;
    } finally {
      if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  throw refused;
}
