import { createCipheriv, createHash } from 'node:crypto';
import { renderYaml } from '../../core/yaml.ts';
import { renderLayer, type WrittenImage, writeImage, writeIndex } from '../../oci/index.ts';

/** What the demo's source registry and web server hold: a small release payload in the true format, and an image of a user's own. */
export interface DemoContent {
  readonly version: string;
  readonly images: readonly {
    readonly registry: string;
    readonly repository: string;
    readonly tag: string;
    readonly image: WrittenImage;
  }[];
  readonly release: { readonly reference: string; readonly digest: string };
  /** CoreOS files by the path of their URL. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Names of the demo: reserved for documentation, so that nothing is ever asked of a real host. */
export const demoNames = {
  registry: 'quay.example.com',
  releaseRepository: 'openshift-release-dev/ocp-release',
  componentRepository: 'openshift-release-dev/ocp-v4.0-art-dev',
  toolRegistry: 'registry.example.com',
  toolRepository: 'kitchen/toolbox',
  toolTag: '1.0',
  coreosBase: 'https://rhcos.example.com',
} as const;

const version = '4.20.1';
const coreosBuild = '9.6.20260101-0';
const platforms = [
  { os: 'linux', architecture: 'amd64', stream: 'x86_64' },
  { os: 'linux', architecture: 'arm64', stream: 'aarch64' },
] as const;

const components = [
  'agent-installer-api-server',
  'cli',
  'cli-artifacts',
  'cluster-version-operator',
  'etcd',
  'haproxy-router',
  'hyperkube',
  'hypershift',
  'machine-config-operator',
  'machine-os-images',
  'oauth-server',
  'pod',
  'tools',
] as const;

/** Builds the content; the same bytes every time. */
export function makeDemoContent(): DemoContent {
  const base = renderLayer([
    { path: 'etc/os-release', content: 'NAME="Airlock demo base"\n' },
    { path: 'usr/share/base.bin', content: noise('base', 600_000) },
  ]);
  const built = components.map((name) => ({ name, image: makeComponent(name, base) }));
  const files = new Map<string, Buffer>();
  const stream = makeStream(files);
  const references = renderImageReferences(built.map(({ name, image }) => ({ name, digest: image.descriptor.digest })));
  const payload = writeIndex(
    platforms.map((platform) => {
      const layer = renderLayer([
        { path: 'release-manifests/' },
        { path: 'release-manifests/0000_50_installer_coreos-bootimages.yaml', content: renderBootImages(stream) },
        { path: 'release-manifests/image-references', content: references },
        { path: 'release-manifests/release-metadata', content: renderMetadata() },
      ]);
      return writeImage({
        platform: pick(platform),
        layers: [base, layer],
        config: { Labels: { 'io.openshift.release': version } },
      });
    }),
  );
  const toolbox = writeIndex(
    platforms.map((platform) =>
      writeImage({ platform: pick(platform), layers: [base, toolLayer(platform.architecture)] }),
    ),
  );
  return {
    version,
    images: [
      ...built.map(({ name, image }) => ({
        registry: demoNames.registry,
        repository: demoNames.componentRepository,
        tag: `${version}-${name}`,
        image,
      })),
      {
        registry: demoNames.registry,
        repository: demoNames.releaseRepository,
        tag: `${version}-multi`,
        image: payload,
      },
      {
        registry: demoNames.toolRegistry,
        repository: demoNames.toolRepository,
        tag: demoNames.toolTag,
        image: toolbox,
      },
    ],
    release: {
      reference: `${demoNames.registry}/${demoNames.releaseRepository}:${version}-multi`,
      digest: payload.descriptor.digest,
    },
    files,
  };
}

/** The update service's answer for channel `stable-4.20`. @see the Cincinnati protocol, graph v1 */
export function renderDemoGraph(content: DemoContent): string {
  const payload = `${demoNames.registry}/${demoNames.releaseRepository}@${content.release.digest}`;
  const metadata = {
    'io.openshift.upgrades.graph.release.channels': 'candidate-4.20,fast-4.20,stable-4.20',
    'release.openshift.io/architecture': 'multi',
  };
  return JSON.stringify({ version: 1, nodes: [{ version, payload, metadata }], edges: [], conditionalEdges: [] });
}

function makeComponent(name: string, base: ReturnType<typeof renderLayer>): WrittenImage {
  return writeIndex(
    platforms.map((platform) => {
      const own = renderLayer(name === 'cli-artifacts' ? clientTools() : ownFiles(name, platform.architecture));
      return writeImage({
        platform: pick(platform),
        layers: [base, own],
        config: { Entrypoint: [`/usr/bin/${name}`], Labels: { 'io.openshift.build.component': name } },
      });
    }),
  );
}

function ownFiles(name: string, architecture: string): Parameters<typeof renderLayer>[0] {
  return [{ path: `usr/bin/${name}`, content: noise(`${name}-${architecture}`, 40_000), mode: 0o755 }];
}

/** Clients lie where real payloads have them, those of all architectures in every instance. */
function clientTools(): Parameters<typeof renderLayer>[0] {
  return platforms.map(({ architecture }) => ({
    path: `usr/share/openshift/linux_${architecture}/oc`,
    content: `#!/bin/sh\necho "Client Version: ${version} (${architecture}, made up)"\n`,
    mode: 0o755,
  }));
}

function toolLayer(architecture: string): ReturnType<typeof renderLayer> {
  return renderLayer([{ path: 'usr/bin/toolbox', content: noise(`toolbox-${architecture}`, 90_000), mode: 0o755 }]);
}

function renderImageReferences(tags: readonly { name: string; digest: string }[]): string {
  const from = (digest: string) => ({
    kind: 'DockerImage',
    name: `${demoNames.registry}/${demoNames.componentRepository}@${digest}`,
  });
  const spec = {
    lookupPolicy: { local: false },
    tags: tags.map(({ name, digest }) => ({
      name,
      annotations: {},
      from: from(digest),
      referencePolicy: { type: 'Source' },
    })),
  };
  return `${JSON.stringify({ kind: 'ImageStream', apiVersion: 'image.openshift.io/v1', metadata: { name: version }, spec }, null, 2)}\n`;
}

function renderMetadata(): string {
  const metadata = {
    url: `https://access.example.com/errata/${version}`,
    'release.openshift.io/architecture': 'multi',
  };
  return JSON.stringify({ kind: 'cincinnati-metadata-v0', version, previous: [], metadata });
}

/** The ConfigMap of the installer's boot images. @see CoreOS stream metadata v1 */
function renderBootImages(stream: object): string {
  return renderYaml({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      namespace: 'openshift-machine-config-operator',
      name: 'coreos-bootimages',
      annotations: { 'include.release.openshift.io/self-managed-high-availability': 'true' },
    },
    data: { releaseVersion: version, stream: JSON.stringify(stream, null, 2) },
  });
}

function makeStream(files: Map<string, Buffer>): object {
  const architectures = Object.fromEntries(
    platforms.map(({ stream: arch }) => {
      const artifact = (file: string, sizeBytes: number) => {
        const path = `/art/storage/prod/streams/rhel-9.6/builds/${coreosBuild}/${arch}/${file}`;
        const bytes = noise(file, sizeBytes);
        files.set(path, bytes);
        return { location: `${demoNames.coreosBase}${path}`, sha256: createHash('sha256').update(bytes).digest('hex') };
      };
      const name = `rhcos-${coreosBuild}-live`;
      const formats = {
        iso: { disk: artifact(`${name}-iso.${arch}.iso`, 700_000) },
        pxe: {
          kernel: artifact(`${name}-kernel.${arch}`, 60_000),
          initramfs: artifact(`${name}-initramfs.${arch}.img`, 120_000),
          rootfs: artifact(`${name}-rootfs.${arch}.img`, 500_000),
        },
      };
      return [arch, { artifacts: { metal: { release: coreosBuild, formats } }, images: {} }];
    }),
  );
  return {
    stream: 'rhel-9.6',
    metadata: { 'last-modified': '2026-01-01T00:00:00Z', generator: 'airlock demo' },
    architectures,
  };
}

function pick(platform: (typeof platforms)[number]): { os: string; architecture: string } {
  return { os: platform.os, architecture: platform.architecture };
}

/** Bytes that do not compress, the same for the same seed: an AES keystream. */
function noise(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(`airlock demo ${seed}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
