import path from 'node:path';
import type { PlatformSelection } from '../../config/index.ts';
import { type Digest, digestHex, isTag, parseReference, type Reference } from '../../oci/index.ts';
import { releaseTag } from '../naming.ts';
import type { WantedRelease } from './channels.ts';
import { type Collector, repositoryText } from './collector.ts';
import type { Payload } from './payload-content.ts';
import type { ReleaseProof } from './release-signature.ts';

/** How a release is called in mirror sets, in storage and in the working-dir. */
export interface ReleaseNames {
  readonly origin: string;
  readonly tag: string;
  /** Below `hold-release/`. */
  readonly folder: string;
}

const payloadArchitectures: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** How oc-mirror names a release: by its signature; by its bare digest when nobody asks for one (reference §5.2, §6.5). */
export function nameRelease(
  collector: Collector,
  platform: PlatformSelection,
  wanted: WantedRelease,
  reference: Reference & { readonly digest: Digest },
  proof: ReleaseProof,
  payload: Payload,
): ReleaseNames {
  const name = repositoryText(reference);
  if (proof.signed) {
    const base = path.posix.basename(parseReference(proof.signed.reference).repository);
    return { origin: proof.signed.reference, tag: releaseTag(proof.signed.tag), folder: `${base}/${proof.signed.tag}` };
  }
  const byDigest = platform.release !== undefined && collector.options.ignoreReleaseSignature === true;
  const tag = `${payload.version}-${payloadArchitectures[payload.architecture] ?? payload.architecture}`;
  if (byDigest || !payload.version || !isTag(tag)) {
    const hex = digestHex(reference.digest);
    return { origin: wanted.payload, tag: hex, folder: `${path.posix.basename(reference.repository)}@sha256/${hex}` };
  }
  return {
    origin: `${name}:${tag}`,
    tag: releaseTag(tag),
    folder: `${path.posix.basename(reference.repository)}/${tag}`,
  };
}
