import { blobPath, type Digest, digestHex } from '../oci/index.ts';
import type { Bundle } from './bundle.ts';
import { bundleNames } from './format.ts';

/** What a bundle holds, for people and for `-o json`. */
export interface BundleContents {
  readonly generation: number;
  readonly indexDigest: Digest;
  readonly parent?: { readonly generation: number; readonly indexDigest: Digest };
  readonly kind: Bundle['kind'];
  readonly createdAt: string;
  readonly volumes: readonly { readonly name: string; readonly sizeBytes: number; readonly isThere: boolean }[];
  readonly releases: readonly {
    readonly version: string;
    readonly architecture: string;
    readonly digest: Digest;
    readonly signature: string;
  }[];
  readonly packages: readonly {
    readonly catalog: string;
    readonly name: string;
    readonly channels: readonly string[];
    readonly bundles: readonly string[];
  }[];
  readonly images: readonly ImageContents[];
  readonly files: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly role: string;
    readonly webPath?: string;
  }[];
  readonly totals: {
    readonly images: number;
    readonly blobs: number;
    readonly blobBytes: number;
    readonly assumedBlobs: number;
    readonly files: number;
    readonly fileBytes: number;
  };
}

export interface ImageContents {
  readonly origin: string;
  readonly digest: Digest;
  readonly type: string;
  readonly signature: string;
  readonly targets: readonly string[];
}

/** The contents of a bundle from its index alone: by release, operator package, image and file. */
export function describeBundle(bundle: Bundle): BundleContents {
  const { index } = bundle;
  const sum = (sizes: readonly { readonly size: number }[]): number => sizes.reduce((all, one) => all + one.size, 0);
  return {
    generation: index.generation,
    indexDigest: bundle.indexDigest,
    ...(index.parent ? { parent: index.parent } : {}),
    kind: bundle.kind,
    createdAt: index.createdAt,
    volumes: bundle.volumes.map(({ name, sizeBytes, foundBytes }) => ({
      name,
      sizeBytes,
      isThere: foundBytes !== undefined,
    })),
    releases: index.releases.map(({ version, architecture, digest, signature }) => ({
      version,
      architecture,
      digest,
      signature,
    })),
    packages: index.catalogs.flatMap((catalog) =>
      catalog.packages.map(({ name, channels }) => ({
        catalog: catalog.origin,
        name,
        channels: channels.map((channel) => channel.name),
        bundles: [...new Set(channels.flatMap((channel) => channel.bundles.map((one) => one.name)))].sort(),
      })),
    ),
    images: index.images.map(({ origin, digest, type, signature, targets }) => {
      return { origin, digest, type, signature, targets: targets.map(({ repository, tag }) => `${repository}:${tag}`) };
    }),
    files: index.files.map(({ path, size, sha256, role, webPath }) => {
      return { path, sizeBytes: size, sha256, role, ...(webPath === undefined ? {} : { webPath }) };
    }),
    totals: {
      images: index.images.length,
      blobs: index.blobs.length,
      blobBytes: sum(index.blobs),
      assumedBlobs: index.assumed.length,
      files: index.files.length,
      fileBytes: sum(index.files),
    },
  };
}

/** Every member with a digest of its own in the form of `sha256sum`, to be checked after `tar -x` in the unpacked folder. */
export function renderChecksums(bundle: Bundle): string {
  const { index } = bundle;
  const lines = [
    ...(bundle.kind === 'foreign' ? [] : [`${bundle.facts.sha256}  ${bundleNames.index}`]),
    ...index.files.filter((file) => file.sha256 !== '').map((file) => `${file.sha256}  ${file.path}`),
    ...index.blobs
      .filter(({ digest }) => digest.startsWith('sha256:'))
      .map(({ digest }) => `${digestHex(digest)}  ${blobPath(digest)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Everything that a bundle carries as an SPDX 2.3 document (JSON): each image and each file a package with its digest. Files are not SPDX files,
 * which have to have a SHA-1 sum (clause 8.4); images have no download location, since a registry's is none of the forms of clause 7.7: the
 * package URL says where they come from.
 * @see SPDX specification 2.3, clauses 6, 7 and 11
 */
export function renderSpdx(bundle: Bundle): Record<string, unknown> {
  const { index } = bundle;
  const unknown = {
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  };
  const images = index.images.map((image, at) => ({
    SPDXID: `SPDXRef-image-${at + 1}`,
    name: image.origin,
    versionInfo: image.tag,
    downloadLocation: 'NOASSERTION',
    ...unknown,
    checksums: [checksumOf(image.digest)],
    primaryPackagePurpose: 'CONTAINER',
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: purlOf(image.origin, image.digest),
      },
    ],
  }));
  const files = index.files
    .filter((file) => file.sha256 !== '')
    .map((file, at) => ({
      SPDXID: `SPDXRef-file-${at + 1}`,
      name: file.path,
      packageFileName: `./${file.path}`,
      downloadLocation: isPublicUrl(file.origin) ? file.origin : 'NOASSERTION',
      ...unknown,
      checksums: [{ algorithm: 'SHA256', checksumValue: file.sha256 }],
      primaryPackagePurpose: 'FILE',
    }));
  const packages = [...images, ...files];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `airlock-generation-${index.generation}`,
    documentNamespace: `https://airlock.invalid/spdx/${digestHex(bundle.indexDigest)}`,
    creationInfo: {
      created: index.createdAt.replace(/\.\d+Z$/, 'Z'),
      creators: [`Tool: airlock-${index.toolVersion || 'unknown'}`],
    },
    packages,
    relationships: packages.map(({ SPDXID }) => {
      return { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: SPDXID };
    }),
  };
}

/** Whether text is a URL in a form that readers of SPDX take: with a host name, not an address. */
function isPublicUrl(text: string): boolean {
  return /^https?:\/\/(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?\/\S*$/.test(text);
}

function checksumOf(digest: Digest): Record<string, string> {
  const algorithm = digest.startsWith('sha512:') ? 'SHA512' : 'SHA256';
  return { algorithm, checksumValue: digestHex(digest) };
}

/** Package URL of an image: `pkg:oci/<last element>@<digest>?repository_url=<registry/repository>`. */
function purlOf(origin: string, digest: Digest): string {
  const bare = origin.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const last = bare.slice(bare.lastIndexOf('/') + 1);
  return `pkg:oci/${encodeURIComponent(last)}@${encodeURIComponent(digest)}?repository_url=${encodeURIComponent(bare)}`;
}
