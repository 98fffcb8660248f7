import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { certsInit } from '../../src/workflow/index.ts';
import { writeSite } from '../helpers/journey-site.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test.each([
  ['{caFile: ca.crt}', /certs csr/],
  ['{certificateFile: a.crt, keyFile: a.key}', /put a new one/],
])('certs renew says that it cannot issue with certificates: %s', async (certificates, hint) => {
  const folder = await temporaryFolder();
  const file = await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'embedded' });
  await appendFile(file, `  certificates: ${certificates}\n`);
  for (const name of ['imageset.yaml', 'ca.crt', 'a.crt', 'a.key']) await writeFile(path.join(folder, name), '');
  await expect(certsInit(file, true, quietRun())).rejects.toMatchObject({
    code: 'CERTIFICATE_NEEDED',
    hint: expect.stringMatching(hint),
  });
});
