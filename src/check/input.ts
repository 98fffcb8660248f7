import type { IpFamily } from '../core/ip.ts';
import type { Run } from '../core/run.ts';
import type { Descriptor, Digest, FetchedManifest, Reference, RepositoryName } from '../oci/index.ts';

/** A service that clusters talk to by name. */
export interface CheckedService {
  readonly title: 'registry' | 'web server';
  readonly host: string;
  readonly port: number;
  /** Whether it speaks TLS there. */
  readonly tls: boolean;
}

/** A name and what it must resolve to; all families of `addresses` are asked for. */
export interface CheckedName {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** A reverse name, as `10.2.0.192.in-addr.arpa`, and the names that it leads to. */
export interface CheckedPointer {
  readonly name: string;
  readonly values: readonly string[];
}

/** An image as clusters ask for it. */
export interface CheckedImage {
  readonly reference: string;
  readonly digest: Digest;
  /** Instances of an index that are not mirrored on purpose. */
  readonly absent?: readonly Digest[];
}

/** A file on the web server. */
export interface CheckedFile {
  readonly url: string;
  readonly sizeBytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** Everything that `runChecks` needs to know of a site, as plain values. */
export interface CheckInput {
  readonly registry: { readonly host: string; readonly port: number; readonly tls: boolean };
  /** Further services whose ports and certificates are tried. */
  readonly services: readonly CheckedService[];
  readonly names: readonly CheckedName[];
  readonly pointers: readonly CheckedPointer[];
  /** Names that the site's DNS must not know, such as the original registries. */
  readonly unwantedNames: readonly string[];
  /** The CA as emitted for clusters, PEM. */
  readonly caPem: string;
  /** The pull secret as emitted, docker config JSON. */
  readonly pullSecret: string;
  readonly images: readonly CheckedImage[];
  readonly files: readonly CheckedFile[];
  /** A certificate that ends within so many days is a warning; default 30. */
  readonly expiryDays?: number;
  /** Requests at once; default 8. */
  readonly parallel?: number;
  /** Read files whole and hash them; otherwise size and range only. Default true. */
  readonly hashFiles?: boolean;
}

/** An answer of an HTTP server; `body` must be read or destroyed. */
export interface FileAnswer {
  readonly status: number;
  readonly sizeBytes: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array> & { destroy(): unknown };
}

/** One DNS server of the site. */
export interface CheckedResolver {
  /** For people: `192.0.2.1:53`. */
  readonly address: string;
  /** [] when the name has no address of the family; rejects when the server fails. */
  lookup(name: string, family: IpFamily, run: Run): Promise<readonly string[]>;
  /** [] when nothing is known under the reverse name. */
  lookupPointer(name: string, run: Run): Promise<readonly string[]>;
}

/** What checks reach the site through; built in `workflow`. */
export interface CheckClients {
  /** All of them: hosts ask any. */
  readonly resolvers: readonly CheckedResolver[];
  /** Asks the first of them that answers. */
  lookup(name: string, family: IpFamily, run: Run): Promise<readonly string[]>;
  /** Where a reference is pulled from, in order, by the emitted mirror rules; the source itself may stand last. */
  mapReference(reference: Reference): readonly Reference[];
  /** A registry client that has the emitted CA and pull secret. */
  readonly registry: {
    fetchManifest(reference: Reference, run: Run): Promise<FetchedManifest>;
    hasBlob(repository: RepositoryName, blob: Descriptor, run: Run): Promise<boolean>;
  };
  /** An HTTP request that resolves names through `lookup` and trusts the emitted CA. Redirects are not followed. */
  request(
    request: {
      readonly method: 'GET' | 'HEAD';
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>>;
    },
    run: Run,
  ): Promise<FileAnswer>;
}
