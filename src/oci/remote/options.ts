import type { Stage } from '../../core/events.ts';
import type { HttpClient } from '../../core/http.ts';
import type { Bandwidth } from '../../core/http-bandwidth.ts';
import type { HostLimits } from '../../core/http-concurrency.ts';
import type { RetryPolicy } from '../../core/retry.ts';
import type { CredentialSource } from './credentials.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** Settings of `createRemote`; only `http` is needed. */
export interface RemoteOptions {
  /** Made with `insecure: true` where certificates of redirect targets are not to be checked either. The caller closes it. */
  readonly http: HttpClient;
  /** Which side of a copy errors name. */
  readonly side?: 'source' | 'target';
  /** The stage of `retrying` and log events; default plan. */
  readonly stage?: Stage;
  /** Default: anonymous. */
  readonly credentials?: CredentialSource;
  /** Mirrors, locations and insecure registries; default: none. Mirrors are used for reading only. */
  readonly registriesConf?: RegistriesConf;
  /** False accepts any certificate and, where TLS does not answer, plain HTTP. Default true. */
  readonly tlsVerify?: boolean;
  /** `--cert-dir`: CA (`*.crt`) and client certificates (`*.cert`, `*.key`) for all registries; nothing else is looked at then. */
  readonly certDir?: string;
  /** Folders that hold such files in a folder per `host[:port]`; see `defaultCertsDirs`. Default: none. */
  readonly certsDirs?: readonly string[];
  readonly retry?: RetryPolicy;
  /** Told how each registry bears it: fewer reads are begun at once, and fewer blobs copied, while it is overloaded. */
  readonly limits?: HostLimits;
  /** Shared over everything that reads and writes blobs with it. */
  readonly bandwidth?: Bandwidth;
  /** The size of PATCH requests where a server refuses a whole blob; default 32 MiB. */
  readonly chunkBytes?: number;
}
