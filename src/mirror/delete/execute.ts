import { errorText, isAirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import {
  childManifests,
  type Digest,
  type FetchedManifest,
  formatReference,
  isIndexType,
  parseManifest,
  parseReference,
  type Reference,
  type RepositoryName,
  type Source,
  type Target,
} from '../../oci/index.ts';
import type { DeletionItem } from './list.ts';

/** What became of a list. */
export interface DeletionResult {
  /** References whose manifest is gone now. */
  readonly deleted: readonly string[];
  /** References that were gone before. */
  readonly gone: readonly string[];
  /** Left in place, since a tag that is not on the list means or holds the same manifest. */
  readonly shared: readonly { readonly reference: string; readonly neededBy: string }[];
  readonly failed: readonly { readonly reference: string; readonly code: string; readonly cause: string }[];
}

interface Outcome {
  readonly deleted: string[];
  readonly gone: string[];
  readonly shared: { readonly reference: string; readonly neededBy: string }[];
  readonly failed: { readonly reference: string; readonly code: string; readonly cause: string }[];
}

/**
 * Removes the images of a list from a registry: each manifest once, by digest. A manifest that a tag outside the list means, or an index
 * under such a tag names, stays. What is gone already is done, so a list can be run again. Blobs are the registry's own to collect.
 * @throws AirlockError REFERENCE_INVALID, CANCELLED
 */
export async function executeDeletions(
  items: readonly DeletionItem[],
  registry: Source & Target,
  run: Run,
): Promise<DeletionResult> {
  const outcome: Outcome = { deleted: [], gone: [], shared: [], failed: [] };
  const byRepository = new Map<string, Reference[]>();
  for (const item of items) {
    const reference = parseReference(item.imageReference);
    const name = `${reference.registry}/${reference.repository}`;
    byRepository.set(name, [...(byRepository.get(name) ?? []), reference]);
  }
  await mapLimited([...byRepository.values()], 4, (references) =>
    deleteInRepository(references, registry, outcome, run),
  );
  return outcome;
}

async function deleteInRepository(
  references: readonly Reference[],
  registry: Source & Target,
  outcome: Outcome,
  run: Run,
): Promise<void> {
  const [first] = references;
  if (!first) return;
  const found = new Map<Digest, string[]>();
  try {
    const descriptors = await mapLimited(references, 8, (reference) => registry.findManifest(reference, run));
    for (const [at, reference] of references.entries()) {
      const digest = descriptors[at]?.digest;
      if (digest) found.set(digest, [...(found.get(digest) ?? []), formatReference(reference)]);
      else outcome.gone.push(formatReference(reference));
    }
    if (found.size === 0) return;
    const needed = await findNeeded(references, registry, run);
    for (const [digest, names] of found) {
      const neededBy = needed.get(digest);
      if (neededBy !== undefined) outcome.shared.push(...names.map((reference) => ({ reference, neededBy })));
      else if (await registry.deleteManifest(first, digest, run)) outcome.deleted.push(...names);
      else outcome.gone.push(...names);
      found.delete(digest);
    }
  } catch (error) {
    if (!isAirlockError(error) || error.code === 'CANCELLED') throw error;
    const names = [...found.values()].flat();
    const left = names.length > 0 ? names : references.map(formatReference);
    outcome.failed.push(...left.map((reference) => ({ reference, code: error.code, cause: errorText(error) })));
  }
}

/** Manifests that tags outside the list need: what they mean, and what indexes among them name. */
async function findNeeded(
  references: readonly Reference[],
  registry: Source & Target,
  run: Run,
): Promise<Map<Digest, string>> {
  const [first] = references;
  const needed = new Map<Digest, string>();
  if (!first) return needed;
  const listed = new Set(references.map((reference) => reference.tag));
  const repository = { registry: first.registry, repository: first.repository };
  const tags = (await registry.listTags(repository, run)).filter((tag) => !listed.has(tag));
  await mapLimited(tags, 8, async (tag) => {
    const manifest = await registry.fetchManifest({ ...repository, tag }, run).catch((error: unknown) => {
      // A tag whose manifest was deleted by digest stays behind in some registries and means nothing.
      if (isAirlockError(error, 'MANIFEST_UNKNOWN')) return undefined;
      throw error;
    });
    if (!manifest) return;
    needed.set(manifest.digest, tag);
    await addChildren(manifest, repository, (digest) => needed.set(digest, tag), registry, run);
  });
  return needed;
}

/** Everything below an index; what of it is not there (a sparse one) leads no further. */
async function addChildren(
  manifest: FetchedManifest,
  repository: RepositoryName,
  add: (digest: Digest) => void,
  registry: Source,
  run: Run,
): Promise<void> {
  for (const child of childManifests(parseManifest(manifest.bytes, manifest.mediaType))) {
    add(child.digest);
    if (!isIndexType(child.mediaType)) continue;
    const below = await registry.fetchManifest({ ...repository, digest: child.digest }, run).catch((error: unknown) => {
      if (isAirlockError(error, 'MANIFEST_UNKNOWN')) return undefined;
      throw error;
    });
    if (below) await addChildren(below, repository, add, registry, run);
  }
}
