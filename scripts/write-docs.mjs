// Writes the documents that are made from code: docs/cli.md and docs/errors.md. Needs a built dist/.
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const { commandTable } = await import('../dist/cli/commands/table.js');
const { errorCodes } = await import('../dist/cli/error-codes.js');
const { renderCliDocs } = await import('../dist/cli/render/cli-docs.js');
const { renderErrorDocs } = await import('../dist/cli/render/error-docs.js');
writeFileSync(path.join(root, 'docs/cli.md'), `${renderCliDocs(commandTable)}\n`);
writeFileSync(path.join(root, 'docs/errors.md'), renderErrorDocs(errorCodes));
