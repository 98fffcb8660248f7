import { canonicalJson } from '../../core/json.ts';
import type { Digest } from '../../oci/index.ts';
import { digestOf } from '../../oci/index.ts';

/** An address and port to listen on. */
export interface Listen {
  readonly address: string;
  readonly port: number;
}

/** Everything that the background process needs, as a file: what it serves follows from it and from the files it names. */
export interface ServicesSettings {
  readonly title: string;
  /** The version of the tool that wrote them: another one is started anew. */
  readonly tool: string;
  readonly siteFile: string;
  readonly stateFolder: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** Left out: another registry serves (Podman or external). */
  readonly registry?: {
    readonly storage: string;
    readonly htpasswdFile: string;
    /** While this file is there, clients may only read. */
    readonly readOnlyMark: string;
    readonly listen: readonly Listen[];
    readonly url: string;
  };
  readonly web: {
    readonly root: string;
    readonly http: readonly Listen[];
    readonly https: readonly Listen[];
    readonly urls: readonly string[];
  };
  /** Left out: the zones are served by somebody else. */
  readonly dns?: { readonly listen: readonly Listen[] };
}

/** Tells whether running services have to be started anew. */
export function settingsDigest(settings: ServicesSettings): Digest {
  return digestOf(canonicalJson(settings));
}
