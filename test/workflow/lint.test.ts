import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { emitSite } from '../../src/manifests/index.ts';
import { lintFiles } from '../../src/workflow/index.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { emitInputFor, fixtureSite, releaseRecord } from '../manifests/site-builder.ts';

const sites = {
  ipv4: [releaseRecord('4.19.10', 'amd64'), releaseRecord('4.16.9', 'amd64')],
  ipv6: [releaseRecord('4.19.10', 'amd64')],
  dual: [releaseRecord('4.19.10', 'amd64'), releaseRecord('4.18.20', 'arm64')],
} as const;

describe('lintFiles', () => {
  test('reads UTF-16 as the other commands do, and says where a file is no text', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'set.yaml');
    const text =
      'kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror: {additionalImages: [{name: "quay.io/a/b:1"}]}\n';
    await writeFile(file, Buffer.from(`\ufeff${text}`, 'utf16le'));
    expect(await lintFiles([file], quietRun())).toEqual([]);
    await writeFile(file, Buffer.concat([Buffer.from(text), Buffer.from([0xe4, 0xff])]));
    expect(await lintFiles([file], quietRun())).toMatchObject([
      { code: 'CONFIG_SYNTAX', message: expect.stringContaining('not UTF-8'), place: { line: 4, column: 1 } },
    ]);
  });

  test.each(Object.entries(sites))(
    'finds nothing in any file that emit writes for the %s site',
    async (name, releases) => {
      const folder = await temporaryFolder();
      const files: string[] = [];
      for (const { path: file, content } of emitSite(emitInputFor(fixtureSite(name), releases))) {
        // Objects, and lists of registries; zones, credentials and pages are not for it to read.
        if (!/\.yaml$|registries\.conf/.test(file)) continue;
        const target = path.join(folder, file);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, content);
        files.push(target);
      }
      expect(files.length).toBeGreaterThan(20);
      expect(files.filter((file) => file.endsWith('.conf')).length).toBeGreaterThan(1);
      const notes = name === 'ipv4' ? ['LINT_NODE_PORT_RANGE'] : [];
      // The one note is on a range that this site asks for.
      expect((await lintFiles(files, quietRun())).map(({ code }) => code)).toEqual(notes);
    },
  );
});

describeShared('lintFiles on published files', 'data', (data) => {
  test('reads every file of them, and names file, line and next step of each finding', async () => {
    const files: string[] = [];
    for (const folder of ['hcp', 'assisted', 'outputs'])
      for (const name of await readdir(path.join(data, folder), { recursive: true }))
        if (/\.(ya?ml|conf)$/.test(name)) files.push(path.join(data, folder, name));
    expect(files.length).toBeGreaterThan(70);
    const findings = await lintFiles(files, quietRun());
    // An installer's configuration and a registry's have no kind, and are no faulty files of ours.
    expect(findings.filter(({ code }) => code.startsWith('CONFIG_'))).toEqual([]);
    for (const { place, hint, code } of findings) {
      expect(place?.file).toMatch(/^\//);
      expect(place?.line).toBeGreaterThan(0);
      if (code !== 'LINT_SYNTAX') expect(hint).toBeTruthy();
    }
  });
});
