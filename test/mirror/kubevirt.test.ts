import { describe, expect, test } from 'vitest';
import { formatFinding, parseImageSet } from '../../src/config/index.ts';
import type { Collector } from '../../src/mirror/collect/collector.ts';
import { kubevirtComponents } from '../../src/mirror/collect/kubevirt.ts';

const head = 'apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n  platform:\n';
const channel = 'channels: [{name: stable-4.19}]';
const pinned = `release: quay.io/acme/payload@sha256:${'1'.repeat(64)}`;
const plain = 'kube-virt-container';
const [x86, z] = ['quay.io/acme/boot:x86_64', 'quay.io/acme/boot:s390x'];
const two = { [`${plain}-x86_64`]: x86, [`${plain}-s390x`]: z };

function chosen(body: readonly string[], architecture: string, kubevirt: Record<string, string>) {
  const text = [...body, 'kubeVirtContainer: true'].map((line) => `    ${line}\n`).join('');
  const { value, findings } = parseImageSet(head + text, 'isc.yaml');
  if (!value) throw new Error(findings.map(formatFinding).join('\n'));
  const missing: Collector['missing'] = [];
  const payload = { architecture, coreos: { images: [], kubevirt }, version: '', components: [], files: new Map() };
  const found = kubevirtComponents({ missing } as unknown as Collector, value.mirror.platform, 'payload', payload);
  return [Object.fromEntries(found.map(({ name, reference }) => [name, reference])), missing.map(({ code }) => code)];
}

describe('kubevirtComponents', () => {
  test.each<[string, readonly string[], string, Record<string, string>]>([
    ['one architecture', [channel], 'amd64', { [plain]: x86 }],
    ['one of two architectures has an image', ['architectures: [amd64, arm64]', channel], 'arm64', { [plain]: x86 }],
    ['two architectures', ['architectures: [amd64, s390x]', channel], 'amd64', two],
    ['multi', ['architectures: [multi]', channel], 'multi', two],
    ['no architecture with an image', ['architectures: [arm64]', channel], 'arm64', { [plain]: x86 }],
    ['platforms without an image', ['platforms: [{os: linux, architecture: arm64}]', channel], 'multi', two],
    ['a pinned multi payload', [pinned], 'multi', { [plain]: x86 }],
    ['a pinned multi payload, asked for', ['architectures: [multi]', pinned], 'multi', two],
    ['a pinned arm64 payload', [pinned], 'arm64', { [plain]: x86 }],
    ['a pinned s390x payload', [pinned], 's390x', { [plain]: z }],
  ])('%s', (_, body, architecture, expected) => {
    expect(chosen(body, architecture, { x86_64: x86, s390x: z })).toEqual([expected, []]);
  });

  test('a suffix stays where the stream lacks one of two; a stream with none is an error', () => {
    expect(chosen(['architectures: [multi]', channel], 'multi', { x86_64: x86 })).toEqual([
      { [`${plain}-x86_64`]: x86 },
      [],
    ]);
    expect(chosen([channel], 'amd64', { s390x: z })).toEqual([{}, ['RELEASE_PAYLOAD_INVALID']]);
  });
});
