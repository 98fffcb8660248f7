import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../src/core/errors.ts';
import type { HttpAccess } from '../../src/mirror/index.ts';
import { collectFrom, createMemorySource, gzip, tarOf } from './memory-source.ts';

const version = '4.20.0-okd-scos.1';

/** A payload as OKD publishes it: no signature of Red Hat, a registry of its own, one component. */
function okdSource() {
  const memory = createMemorySource();
  const component = memory.putImage({ layers: [gzip(tarOf({ bin: Buffer.from('oven') }))] });
  const references = {
    kind: 'ImageStream',
    metadata: { name: version },
    spec: {
      tags: [{ name: 'oven', from: { kind: 'DockerImage', name: `quay.io/okd/scos-content@${component.digest}` } }],
    },
  };
  const layer = tarOf({
    'release-manifests/image-references': JSON.stringify(references),
    'release-manifests/release-metadata': JSON.stringify({ kind: 'cincinnati-metadata-v0', version }),
  });
  const payload = memory.putImage({ layers: [gzip(layer)] });
  const asked: string[] = [];
  const graph = {
    nodes: [{ version, payload: `quay.io/okd/scos-release@${payload.digest}`, metadata: {} }],
    edges: [],
  };
  const http: HttpAccess = {
    async getUrl(url) {
      asked.push(url);
      const known = url.startsWith('https://origin-release.ci.openshift.org/graph?');
      return known ? { status: 200, body: Buffer.from(JSON.stringify(graph)) } : { status: 404, body: Buffer.alloc(0) };
    },
    headUrl: async () => ({ status: 404, sizeBytes: undefined }),
  };
  return { memory, http, asked, payload, component };
}

describe('a channel of OKD', () => {
  const mirror = { platform: { channels: [{ name: 'stable-scos-4', type: 'okd' }] } };

  test('is asked of the update service of OKD, which nothing overrides (reference §6.1)', async () => {
    const { memory, http, asked } = okdSource();
    await collectFrom(memory, mirror, { http, updateUrl: 'https://updates.lab.example.com/graph' });
    const graphs = asked.filter((url) => url.includes('/graph'));
    expect(graphs).toHaveLength(1);
    const url = new URL(graphs[0] ?? '');
    expect(url.host).toBe('origin-release.ci.openshift.org');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ arch: 'amd64', channel: 'stable-scos-4' });
  });

  test('gives payload and components under the names of releases, and says that nobody proved the payload', async () => {
    const { memory, http, payload, component } = okdSource();
    const set = await collectFrom(memory, mirror, { http });
    expect(set.missing).toEqual([]);
    const digests = Object.fromEntries(set.images.map((image) => [image.repository, image.digest]));
    expect(digests).toEqual({ 'openshift/release-images': payload.digest, 'openshift/release': component.digest });
    expect(set.images.find((image) => image.type === 'ocpReleaseContent')?.tag).toMatch(/-oven$/);
    expect(set.releases).toMatchObject([{ version }]);
    expect(JSON.stringify([set.notes, set.releases])).toMatch(/not.?checked|unsigned|unchecked/i);
  });

  test('asks a server of signatures once that does not answer and that nothing depends on', async () => {
    const { memory, http, payload } = okdSource();
    const nodes = Array.from({ length: 7 }, (_, patch) => ({
      version: `4.20.${patch}`,
      payload: `quay.io/okd/scos-release-${patch}@${payload.digest}`,
      metadata: {},
    }));
    let tries = 0;
    const getUrl: HttpAccess['getUrl'] = async (url) => {
      if (url.includes('/graph')) return { status: 200, body: Buffer.from(JSON.stringify({ nodes, edges: [] })) };
      tries += 1;
      throw new AirlockError('HTTP_UNREACHABLE', `GET ${url}: no route`);
    };
    const whole = { platform: { channels: [{ name: 'stable-scos-4', type: 'okd', full: true }] } };
    const set = await collectFrom(memory, whole, { http: { ...http, getUrl } });
    expect(set.missing).toEqual([]);
    expect(set.releases).toHaveLength(7);
    // Three releases are read at once.
    expect(tries).toBeLessThanOrEqual(3);
  });
});
