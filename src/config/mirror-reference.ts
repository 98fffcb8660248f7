import { isDigest } from '../oci/index.ts';

/**
 * An image reference as oc-mirror's own parser splits it (oc-mirror-v2.md §1.6). All names in cache and target derive from these parts, so
 * Airlock mimics it where an ImageSetConfiguration is read; addresses of registries go through `parseReference` of the oci folder.
 */
export interface MirrorReference {
  /** `docker`, `oci`, `dir`, …: what stood before `://`. */
  readonly transport: string;
  /** Without the transport. */
  readonly reference: string;
  /** Without tag and digest. */
  readonly name: string;
  /** The first path element; "" when there is only one (no Docker Hub name is put in). */
  readonly domain: string;
  /** The rest; for other transports the whole path. */
  readonly pathComponent: string;
  readonly tag: string;
  /** `sha256` …; "" without digest. */
  readonly algorithm: string;
  /** Hex digits; "" without digest. */
  readonly digestHex: string;
}

/** Why a text is no reference. */
export interface MirrorReferenceFault {
  readonly fault: string;
  /** It has neither tag nor digest; else it is sound. */
  readonly untagged: boolean;
}

/** The parts of `text`, or why it has none. */
export function parseMirrorReference(text: string): MirrorReference | MirrorReferenceFault {
  const mark = text.indexOf('://');
  const transport = mark < 0 ? 'docker' : text.slice(0, mark);
  const reference = mark < 0 ? text : text.slice(mark + 3);
  if (reference === '') return { fault: 'reference name is empty', untagged: false };
  const at = reference.indexOf('@');
  const digest = at < 0 ? '' : reference.slice(at + 1);
  if (at >= 0 && !isDigest(digest))
    return { fault: `"${digest}" is not a digest (sha256: and 64 hex digits)`, untagged: false };
  let name = at < 0 ? reference : reference.slice(0, at);
  const [algorithm = '', digestHex = ''] = digest.split(':');
  if (transport !== 'docker')
    return { transport, reference, name, domain: '', pathComponent: name, tag: '', algorithm, digestHex };
  const slash = name.indexOf('/');
  const colon = name.indexOf(':', Math.max(slash, 0));
  const tag = colon < 0 ? '' : name.slice(colon + 1);
  if (colon >= 0) name = name.slice(0, colon);
  if (tag === '' && digest === '')
    return { fault: 'tag and digest are empty (there is no default "latest")', untagged: true };
  const domain = slash < 0 ? '' : name.slice(0, slash);
  return { transport, reference, name, domain, pathComponent: name.slice(slash + 1), tag, algorithm, digestHex };
}
