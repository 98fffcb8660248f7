/** What the command line, the environment and the site file add to an ImageSetConfiguration. */
export interface CollectOptions {
  /** Replaces the OCP update service (`UPDATE_URL_OVERRIDE`). The graph image is not built then (reference §6.7). */
  readonly updateUrl?: string;
  /** Where the graph data are (gzipped tar), when they are not Red Hat's. */
  readonly graphUrl?: string;
  /** Where release signatures are (`OCP_SIGNATURE_URL`). */
  readonly signatureUrl?: string;
  /** Public keys that release signatures are checked with, armored (`OCP_SIGNATURE_VERIFICATION_PK`); Red Hat's own when left out. */
  readonly signatureKeyArmored?: string;
  /** Ask for no release signature (with `platform.release` the tags are then hex digests, reference §6.5). */
  readonly ignoreReleaseSignature?: boolean;
  /** Leave cosign tags and OCI referrers behind. */
  readonly removeSignatures?: boolean;
  /** Carry CoreOS boot images: of these architectures (either spelling), or of those that the releases are for. Left out: none. */
  readonly coreos?: { readonly architectures: readonly string[] | 'from-releases' };
  /** Replaces scheme and host of the CoreOS stream's URLs. */
  readonly coreosBaseUrl?: string;
  /** The helm program; `helm` on PATH when left out. */
  readonly helmProgram?: string;
  /** Requests at once; 8 when left out. */
  readonly parallel?: number;
}

export const defaultUpdateUrl = 'https://api.openshift.com/api/upgrades_info/v1/graph';
export const okdUpdateUrl = 'https://origin-release.ci.openshift.org/graph';
export const defaultSignatureUrl = 'https://mirror.openshift.com/pub/openshift-v4/signatures/openshift/release/';
export const graphDataUrl = 'https://api.openshift.com/api/upgrades_info/graph-data';
