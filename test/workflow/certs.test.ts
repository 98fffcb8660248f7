import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { certsInit } from '../../src/workflow/index.ts';
import { writeSite } from '../helpers/journey-site.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('the server certificate covers the further names of the site file, and is issued anew when one is added', async () => {
  const folder = await temporaryFolder();
  const file = await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'embedded' });
  await writeFile(path.join(folder, 'imageset.yaml'), '');
  const plain = await readFile(file, 'utf8');
  await writeFile(file, `${plain}  certificates: {names: [mirror.example.com]}\n`);
  const first = await certsInit(file, false, quietRun());
  expect(first.leaf.names).toContain('mirror.example.com');
  await writeFile(
    file,
    `${plain}  certificates: {names: [mirror.example.com, "*.mirror.example.com", "2001:db8::9"]}\n`,
  );
  const second = await certsInit(file, false, quietRun());
  expect(second.reason).toBe('it did not cover *.mirror.example.com, 2001:db8::9');
  expect(second.leaf.names).toContain('*.mirror.example.com');
  expect(second.leaf.addresses).toContain('2001:db8::9');
  await writeFile(file, `${plain}  certificates: {names: ["a.*.example.com"]}\n`);
  await expect(certsInit(file, false, quietRun())).rejects.toThrow(/wildcard such as/);
});

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
