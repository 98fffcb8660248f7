// Writes the documents that are made from code: docs/cli.md and docs/errors.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleModules } from './bundle.mjs';

const root = path.resolve(import.meta.dirname, '..');
// Beside the packages, which are looked for from there.
const outdir = mkdtempSync(path.join(root, 'node_modules/.airlock-docs-'));
try {
  const entries = ['commands/table', 'error-codes', 'render/cli-docs', 'render/error-docs'];
  await bundleModules({
    entryPoints: entries.map((name) => path.join(root, `src/cli/${name}.ts`)),
    outbase: path.join(root, 'src/cli'),
    outdir,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    external: ['dockerode', 'koffi'],
  });
  const [{ commandTable }, { errorCodes }, { renderCliDocs }, { renderErrorDocs }] = await Promise.all(
    entries.map((name) => import(path.join(outdir, `${name}.mjs`))),
  );
  writeFileSync(path.join(root, 'docs/cli.md'), `${renderCliDocs(commandTable)}\n`);
  writeFileSync(path.join(root, 'docs/errors.md'), renderErrorDocs(errorCodes));
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
