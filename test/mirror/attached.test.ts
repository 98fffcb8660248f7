import { describe, expect, test } from 'vitest';
import { type Descriptor, type Digest, mediaTypes, type Source } from '../../src/oci/index.ts';
import { collectFrom, createMemorySource, gzip, tarOf } from './memory-source.ts';

/** A source with `crane:1`, an index of two images, and what is signed over it. */
function harbour() {
  const memory = createMemorySource();
  const images = ['amd64', 'arm64'].map((architecture) => ({
    ...memory.putImage({ layers: [gzip(tarOf({ [`bin/${architecture}`]: 'crane' }))], architecture }),
    platform: { os: 'linux', architecture },
  }));
  const index = memory.putIndex(images);
  memory.tag('harbour/crane:1', index);
  const referrers = new Map<Digest, Descriptor[]>();
  const source: Source = { ...memory.source, listReferrers: async (_, digest) => referrers.get(digest) ?? [] };
  const artifact = (name: string): Descriptor => memory.putImage({ layers: [Buffer.from(name)] });
  const sign = (image: Descriptor, ending: string): Descriptor => {
    const signature = artifact(`${ending} of ${image.digest}`);
    memory.tag(`harbour/crane:${image.digest.replace(':', '-')}${ending}`, signature);
    return signature;
  };
  const refer = (subject: Descriptor, name: string, artifactType: string): Descriptor => {
    const referrer = { ...artifact(name), artifactType };
    referrers.set(subject.digest, [...(referrers.get(subject.digest) ?? []), referrer]);
    return referrer;
  };
  return { memory: { ...memory, source }, index, images, sign, refer };
}

const crane = 'registry.example.com/harbour/crane';
const additional = (name: string) => ({ additionalImages: [{ name }] });

describe('an index of which some platforms are wanted', () => {
  test('keeps what says no platform, and fails where no platform fits', async () => {
    const { memory, images } = harbour();
    const bare = memory.putImage({ layers: [gzip(tarOf({ note: 'of no platform' }))] });
    memory.tag('harbour/mixed:1', memory.putIndex([...images, bare]));
    const mixed = { name: 'registry.example.com/harbour/mixed:1' };
    const of = (architecture: string) =>
      collectFrom(memory, { additionalImages: [{ ...mixed, platforms: [{ os: 'linux', architecture }] }] });
    expect((await of('amd64')).images[0]?.absent).toEqual([images[1]?.digest]);
    expect((await of('riscv64')).missing).toMatchObject([{ code: 'PLATFORM_UNKNOWN' }]);
  });
});

describe('what is attached to an image', () => {
  test('cosign tags of the index and of each of its images follow it', async () => {
    const { memory, index, images, sign } = harbour();
    const [signed, attested, listed] = [
      sign(index, '.sig'),
      sign(images[1] ?? index, '.att'),
      sign(images[0] ?? index, '.sbom'),
    ];
    const set = await collectFrom(memory, additional(`${crane}:1`));
    const tags = new Map(set.images.map((image) => [image.tag, image.digest]));
    expect(Object.fromEntries(tags)).toEqual({
      '1': index.digest,
      [`${index.digest.replace(':', '-')}.sig`]: signed.digest,
      [`${images[1]?.digest.replace(':', '-')}.att`]: attested.digest,
      [`${images[0]?.digest.replace(':', '-')}.sbom`]: listed.digest,
    });
    expect(set.images.find((image) => image.tag === '1')?.signature).toBe('signed');
  });

  test('referrers follow it, and their own, with an index of them under the fallback tag', async () => {
    const { memory, index, refer } = harbour();
    const sbom = refer(index, 'sbom', 'application/spdx+json');
    const note = refer(index, 'note', 'application/vnd.harbour.note');
    const proof = refer(sbom, 'signature of the sbom', 'application/vnd.dev.sigstore.bundle.v0.3+json');
    const set = await collectFrom(memory, additional(`${crane}:1`));
    const reasons = set.images.map((image) => `${image.reason.split(' ')[0]} ${image.digest}`);
    expect(reasons).toEqual(
      expect.arrayContaining([`referrer ${sbom.digest}`, `referrer ${note.digest}`, `signature ${proof.digest}`]),
    );
    const fallback = set.images.find((image) => image.tag === index.digest.replace(':', '-'));
    const listed = JSON.parse((await set.read(fallback?.digest ?? '')).toString('utf8'));
    expect(listed).toMatchObject({ mediaType: mediaTypes.ociIndex });
    expect(listed.manifests.map((one: Descriptor) => one.digest).sort()).toEqual([sbom.digest, note.digest].sort());
    // The image itself is not signed: what is signed is its SBOM.
    expect(set.images.find((image) => image.tag === '1')?.reason).toBe('additional image');
  });

  test('an image that is named by digest keeps the tag that its referrers would be listed under', async () => {
    const { memory, index, refer } = harbour();
    const sbom = refer(index, 'sbom', 'application/spdx+json');
    const set = await collectFrom(memory, additional(`${crane}@${index.digest}`));
    const tag = index.digest.replace(':', '-');
    expect(set.images.filter((image) => image.tag === tag).map((image) => image.digest)).toEqual([index.digest]);
    expect(set.images.map((image) => image.digest)).toContain(sbom.digest);
  });

  test('nothing of it follows with removeSignatures, and the image counts as not checked', async () => {
    const { memory, index, sign, refer } = harbour();
    sign(index, '.sig');
    refer(index, 'sbom', 'application/spdx+json');
    const set = await collectFrom(memory, additional(`${crane}:1`), { removeSignatures: true });
    expect(set.images.map((image) => [image.tag, image.signature])).toEqual([['1', 'not-checked']]);
  });

  test('instances that are left out bring none', async () => {
    const { memory, images, sign } = harbour();
    sign(images[1] ?? (images[0] as Descriptor), '.sig');
    const platforms = [{ os: 'linux', architecture: 'amd64' }];
    const set = await collectFrom(memory, { additionalImages: [{ name: `${crane}:1`, platforms }] });
    expect(set.images.map((image) => image.tag)).toEqual(['1']);
    expect(set.images[0]?.absent).toEqual([images[1]?.digest]);
  });
});
