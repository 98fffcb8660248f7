import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Site } from '../config/index.ts';
import { errorText } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { digestFromHex, isDigest, parseReference, type Reference, type Source } from '../oci/index.ts';
import type { KeptBlobs, MissingContent, Note, SelectedFile } from '../plan/index.ts';
import { openImageArchive } from '../registry/index.ts';

/** The registry image as a file of the bundle, or why it is not there. */
export interface RegistryImage {
  readonly files: readonly SelectedFile[];
  readonly missing: readonly MissingContent[];
  readonly notes: readonly Note[];
}

/** Its member name; Podman loads it on the bastion. */
export const registryImageMember = 'airlock/images/registry.tar';

interface ArchiveRecord {
  readonly image: string;
  readonly digest: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * The image that runs the registry through Podman, as an oci-archive in the workspace: nothing is pulled inside the gap. For `mode: auto`
 * an image that cannot be had is only a note, since Airlock serves the registry itself then.
 */
export async function registryImageFile(
  site: Site | undefined,
  source: Source,
  kept: KeptBlobs,
  workspace: string,
  run: Run,
): Promise<RegistryImage> {
  const none: RegistryImage = { files: [], missing: [], notes: [] };
  if (!site || site.registry.mode === 'embedded' || site.registry.mode === 'external') return none;
  const { image } = site.registry;
  try {
    const archive = await keepArchive(image, source, kept, workspace, run);
    const file = {
      path: registryImageMember,
      mode: 0o644,
      role: 'registry-image',
      content: { kind: 'kept' },
      origin: image,
    } as const;
    return { ...none, files: [{ ...file, sizeBytes: archive.sizeBytes, sha256: archive.sha256 }] };
  } catch (error) {
    if (run.signal.aborted) throw error;
    if (site.registry.mode === 'auto') {
      return {
        ...none,
        notes: [
          {
            code: 'REGISTRY_IMAGE_LEFT_OUT',
            subject: image,
            message: `it cannot be had (${errorText(error)}); the bastion will serve the registry without Podman`,
          },
        ],
      };
    }
    return {
      ...none,
      missing: [{ type: 'tool', origin: image, code: 'REGISTRY_IMAGE_MISSING', cause: errorText(error) }],
    };
  }
}

async function keepArchive(
  image: string,
  source: Source,
  kept: KeptBlobs,
  workspace: string,
  run: Run,
): Promise<ArchiveRecord> {
  const reference = withTag(parseReference(image));
  const { digest } = await source.resolve(reference, run);
  const recordFile = path.join(workspace, 'registry-image.json');
  const bytes = await findFile(recordFile, run);
  const known = bytes ? (JSON.parse(bytes.toString()) as ArchiveRecord) : undefined;
  if (known?.digest === digest && known.image === image && (await kept.has(digestFromHex(known.sha256), run)))
    return known;
  const { stream } = await openImageArchive(
    source,
    { reference: { ...reference, digest }, architecture: 'amd64', name: image },
    run,
  );
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const sha256 = await kept.putFile(async (file) => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await file.write(chunk, sizeBytes);
      sizeBytes += chunk.length;
    }
    return digestFromHex(hash.digest('hex'));
  }, run);
  const record = { image, digest, sha256: sha256.slice('sha256:'.length), sizeBytes };
  await writeFileAtomic(recordFile, prettyJson(record), run);
  return record;
}

function withTag(reference: Reference): Reference {
  return reference.tag === undefined && (reference.digest === undefined || !isDigest(reference.digest))
    ? { ...reference, tag: 'latest' }
    : reference;
}
