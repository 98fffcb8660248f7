import type { Cache, Platform } from './cache.ts';

/** An ImageSetConfiguration as the simulation reads it: just the fields that change what disk-to-mirror looks for. */
export interface ImageSet {
  readonly mirror: {
    readonly platform?: PlatformSet;
    readonly operators?: readonly OperatorSet[];
    readonly additionalImages?: readonly AdditionalSet[];
    readonly helm?: HelmSet;
    readonly blockedImages?: readonly { readonly name: string }[];
  };
}

export interface PlatformSet {
  readonly graph?: boolean;
  readonly channels?: readonly ChannelSet[];
  readonly architectures?: readonly string[];
  readonly platforms?: readonly Platform[];
  readonly release?: string;
  readonly kubeVirtContainer?: boolean;
}

export interface ChannelSet {
  readonly name: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
  readonly shortestPath?: boolean;
  readonly full?: boolean;
}

export interface OperatorSet {
  readonly catalog: string;
  readonly targetCatalog?: string;
  readonly targetTag?: string;
  readonly full?: boolean;
  readonly skipDependencies?: boolean;
  readonly platforms?: readonly Platform[];
  readonly packages?: readonly PackageSet[] | null;
}

export interface PackageSet {
  readonly name: string;
  readonly defaultChannel?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
  readonly channels?: readonly { readonly name: string; readonly minVersion?: string; readonly maxVersion?: string }[];
}

export interface AdditionalSet {
  readonly name: string;
  readonly targetRepo?: string;
  readonly targetTag?: string;
  readonly platforms?: readonly Platform[];
}

export interface HelmSet {
  readonly local?: readonly { readonly name: string; readonly path: string }[];
  readonly repositories?: readonly {
    readonly name: string;
    readonly url: string;
    readonly charts?: readonly { readonly name: string; readonly version?: string }[];
  }[];
}

/** One copy that disk-to-mirror would make: from the cache, to a name below the target. */
export interface Copy {
  readonly origin: string;
  readonly repository: string;
  readonly tag: string;
  /** At the target; the same as in the cache but for catalogs. */
  readonly targetTag: string;
  readonly platforms: readonly Platform[] | undefined;
}

/** What one simulated run has at hand. */
export interface Job {
  readonly cache: Cache;
  readonly workingDir: string;
  readonly ignoreReleaseSignature: boolean;
  /** The digest that the source gives for a reference: only `platform.release` by tag asks for it (golden case 04b). */
  readonly askSource: (reference: string) => string;
  copy(copy: Omit<Copy, 'targetTag' | 'platforms'> & Partial<Copy>): void;
}

/** A reference as §1.6 takes it apart; the host is dropped. */
export function splitReference(text: string): { path: string; name: string; tag: string; digest: string } {
  const match = /^([^@]+?)(?::([\w][\w.-]*))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text.replace(/^docker:\/\//, ''));
  if (!match?.[1]) throw new Error(`reference ${text}`);
  const [, name, tag = '', digest = ''] = match;
  return { path: name.split('/').slice(1).join('/'), name, tag, digest };
}

/** `sha256:<hex>` as a tag. */
export function digestTag(digest: string): string {
  return digest.replace(':', '-');
}
