import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { lintFiles } from '../../src/workflow/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const site = `apiVersion: airlock/v1alpha1
kind: Site
metadata: {name: lab}
spec:
  baseDomain: lab.example.com
  imageSet: imageset.yaml
  paths: {registry: bastion/registry, web: bastion/web, state: bastion/state}
  bastion: {addresses: [192.0.2.1]}
  certificates: {caFile: ca.pem, caKeyFile: ca.key, trustFiles: [partner.pem]}
  pullSecretFile: pull-secret.json
  managementCluster: {name: hub, kubeconfig: hub.kubeconfig, apiVIPs: [192.0.2.10], ingressVIPs: [192.0.2.11]}
`;
const bastionFiles = ['ca.pem', 'ca.key', 'partner.pem', 'pull-secret.json'];

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(path.join(folder, 'site.yaml'), site);
});
const put = (...names: string[]) => Promise.all(names.map((name) => writeFile(path.join(folder, name), 'text\n')));
const look = async (name = 'site.yaml') =>
  (await lintFiles([path.join(folder, name)], quietRun())).map(
    ({ severity, code, message, place }) =>
      `${severity} ${code} ${place?.line}:${place?.column} ${place?.path} ${message.replaceAll(`${folder}/`, '')}`,
  );

describe('files that a site names', () => {
  test('of the connected host are warnings there, of the bastion remarks, each with its place', async () => {
    expect(await look()).toEqual([
      'warning CONFIG_FILE 6:13 spec.imageSet imageset.yaml is not there',
      'info CONFIG_FILE 9:26 spec.certificates.caFile ca.pem is not there',
      'info CONFIG_FILE 9:45 spec.certificates.caKeyFile ca.key is not there',
      'info CONFIG_FILE 9:66 spec.certificates.trustFiles[0] partner.pem is not there',
      'info CONFIG_FILE 10:19 spec.pullSecretFile pull-secret.json is not there',
      'info CONFIG_FILE 11:46 spec.managementCluster.kubeconfig hub.kubeconfig is not there',
    ]);
  });

  test('are errors on the bastion when it reads them, and the image set is none', async () => {
    await mkdir(path.join(folder, 'bastion/state'), { recursive: true });
    const found = await look();
    expect(found.filter((line) => line.startsWith('error'))).toHaveLength(bastionFiles.length);
    expect(found[0]).toBe('info CONFIG_FILE 6:13 spec.imageSet imageset.yaml is not there');
  });

  test('that are all there leave nothing to say', async () => {
    await put('imageset.yaml', 'hub.kubeconfig', ...bastionFiles);
    expect(await look()).toEqual([]);
  });

  test('are errors everywhere where they are folders, and missing where a link leads nowhere', async () => {
    await put('imageset.yaml', 'hub.kubeconfig', 'ca.pem', 'ca.key');
    await mkdir(path.join(folder, 'partner.pem'));
    await symlink('nowhere', path.join(folder, 'pull-secret.json'));
    expect(await look()).toEqual([
      'error CONFIG_FILE 9:66 spec.certificates.trustFiles[0] partner.pem is a folder',
      'info CONFIG_FILE 10:19 spec.pullSecretFile pull-secret.json is not there',
    ]);
  });

  test('are told beside the faults of the site itself, and once where many name them', async () => {
    await put('imageset.yaml', 'hub.kubeconfig', ...bastionFiles);
    await writeFile(
      path.join(folder, 'site.yaml'),
      site.replace('192.0.2.1]', 'nowhere]').replace('[partner.pem]', '[gone.pem, gone.pem]'),
    );
    expect(await look()).toEqual([
      expect.stringContaining('error CONFIG_VALUE 8:'),
      'info CONFIG_FILE 9:66 spec.certificates.trustFiles[0] gone.pem is not there',
    ]);
  });
});

test.each(['demo', 'hosted-dual', 'hosted-ipv4', 'hosted-ipv6'])(
  'the example in bundles/%s has neither errors nor warnings',
  async (name) => {
    const files = ['imageset.yaml', 'site.yaml'].map((file) =>
      path.resolve(import.meta.dirname, '../../bundles', name, file),
    );
    const found = await lintFiles(files, quietRun());
    expect(found.filter(({ severity }) => severity !== 'info')).toEqual([]);
  },
);

describe('files that an image set names', () => {
  const set = (base: string) => `apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
mirror:
  operators:
  - catalog: oci://${base}/catalog
    targetCatalogSourceTemplate: ${base}/template.yaml
  - catalog: registry.example.com/harbour/index:v1
  helm:
    local:
    - {name: crane, path: ${base}/crane-1.0.0.tgz}
`;

  test('are those that plan reads: catalogs, charts, and templates, which it can do without', async () => {
    await writeFile(path.join(folder, 'set.yaml'), set(folder));
    expect(await look('set.yaml')).toEqual([
      expect.stringMatching(/^error CONFIG_FILE 5:14 mirror\.operators\[0\]\.catalog catalog is not there$/),
      expect.stringMatching(/^warning CONFIG_FILE 6:34 .*Template template.yaml is not there$/),
      expect.stringMatching(/^error CONFIG_FILE 10:27 mirror\.helm\.local\[0\]\.path crane-1\.0\.0\.tgz is not there$/),
    ]);
    await put('template.yaml', 'catalog');
    await mkdir(path.join(folder, 'crane-1.0.0.tgz'));
    expect(await look('set.yaml')).toEqual([expect.stringMatching(/catalog is no folder$/)]);
  });
});
