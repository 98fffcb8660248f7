import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readHistory } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { type Digest, findManifestBytes, openStorage } from '../../src/oci/index.ts';
import { type LoadRequest, load, prune, pruneCollect, pruneDryRun } from '../../src/workflow/index.ts';
import { buildSample } from '../bundle/build-sample.ts';
import { makeSample, type SampleOptions } from '../bundle/sample.ts';
import { hostedSite } from '../config/sites.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();
const hostedRelease = '4.19.10';

/** Payload and two components of a release, as images and as the record that a plan keeps. */
function releaseOf(version: string): Required<Pick<SampleOptions, 'images' | 'releases'>> {
  const names = { payload: 'openshift/release-images', etcd: 'openshift/release', console: 'openshift/release' };
  const image = (name: keyof typeof names, tag: string) => ({
    repository: names[name],
    tag,
    layers: [[`${name} ${version}`, 4000]] as const,
  });
  const tag = `${version}-x86_64`;
  return {
    images: [image('payload', tag), image('etcd', `${tag}-etcd`), image('console', `${tag}-console`)],
    releases: [
      {
        version,
        payload: `${names.payload}:${tag}`,
        components: { etcd: `${names.etcd}:${tag}-etcd`, console: `${names.console}:${tag}-console` },
      },
    ],
  };
}

function tagsOf(version: string): string[] {
  const tag = `${version}-x86_64`;
  return [`openshift/release-images:${tag}`, `openshift/release:${tag}-console`, `openshift/release:${tag}-etcd`];
}

/** A bastion that loaded 4.19.9 and 4.19.10, then 4.19.11 alone; its hosted cluster runs `release`. */
async function makeBastion(release: string) {
  const folder = await temporaryFolder();
  const [nine, ten, eleven] = ['4.19.9', '4.19.10', '4.19.11'].map(releaseOf);
  if (!nine || !ten || !eleven) throw new Error('there are three');
  const first = makeSample({
    images: [...nine.images, ...ten.images],
    releases: [...nine.releases, ...ten.releases],
  });
  await buildSample(first, folder);
  const { parent, carriedBlobs: carried } = await readHistory(path.join(folder, '.airlock'), run);
  await buildSample(makeSample({ ...eleven, generation: 2, ...(parent ? { parent } : {}), carried }), folder);
  const siteFile = path.join(folder, 'site.yaml');
  const paths = 'paths: {registry: b/registry, web: b/web, state: b/state}';
  await writeFile(
    siteFile,
    hostedSite
      .replace(/paths: .*/, paths)
      .replace('mode: podman', 'mode: embedded')
      .replace(/release: \S+/, `release: ${release}`),
  );
  const request: LoadRequest = {
    bundle: folder,
    siteFile,
    outputFolder: path.join(folder, 'resources'),
    source: sourceSettings({}, folder),
    targetSettings: { tlsVerify: false },
  };
  await load(request, run);
  const storage = openStorage(path.join(folder, 'b/registry/data'));
  const asked = { siteFile, keep: 1, liveDigests: [] as Digest[], askCluster: false };
  const isThere = async (digest: Digest) => (await findManifestBytes(storage, digest, run)) !== undefined;
  return { asked, isThere, images: first.plan.images, releases: first.plan.releases };
}

describe('prune', () => {
  test('keeps payload and every component of a release that a hosted cluster of the site runs', async () => {
    const { asked, isThere, images } = await makeBastion(hostedRelease);
    const { plan } = await pruneDryRun(asked, run);
    expect(plan?.tags).toEqual(tagsOf('4.19.9'));
    await prune(asked, async () => {}, run);
    await pruneCollect(asked, async () => {}, run);
    for (const { digest, tag } of images) expect([tag, await isThere(digest)]).toEqual([tag, /4\.19\.10-/.test(tag)]);
  });

  test('takes away what no kept generation and no cluster of the site needs', async () => {
    const { asked } = await makeBastion('4.19.11');
    const { plan } = await pruneDryRun(asked, run);
    expect(plan?.tags).toEqual([...tagsOf('4.19.10'), ...tagsOf('4.19.9')].sort());
  });

  test('keeps the components of a release whose payload is named as in use', async () => {
    const { asked, releases } = await makeBastion('4.19.11');
    const payload = releases.find(({ version }) => version === '4.19.9')?.digest;
    const { plan } = await pruneDryRun({ ...asked, liveDigests: payload ? [payload] : [] }, run);
    expect(plan?.tags).toEqual(tagsOf('4.19.10'));
  });
});
