// Puts the sources and their packages together in dist/: `npm run build`. A command that had to find and read a thousand modules took twice as
// long to start. What is imported late stays in files of its own.
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { bundleModules } from './bundle.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const outdir = path.join(root, 'dist');
const { metafile } = await bundleModules({
  entryPoints: [path.join(root, 'src/cli/main.ts')],
  absWorkingDir: root,
  outbase: path.join(root, 'src'),
  outdir,
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  metafile: true,
  // dockerode's packages look for files of their own beside them.
  external: ['dockerode', 'koffi'],
});
// Earlier parts go last: there is always a whole tool.
const made = new Set(Object.keys(metafile.outputs).map((file) => path.resolve(root, file)));
for (const entry of await readdir(outdir, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath ?? entry.path, entry.name);
  if (entry.isFile() && !made.has(file)) await rm(file);
}
