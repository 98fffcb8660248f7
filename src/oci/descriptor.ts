import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

/** What names content: type, digest and size. @see OCI image-spec v1.1, "OCI Content Descriptors" */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where else the content may be had: foreign layers. Never followed. */
  readonly urls?: readonly string[];
}
