import path from 'node:path';
import { generationText, openBundle } from '../bundle/index.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { canonicalJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import type { Plan, SelectedImage } from '../plan/index.ts';

/** One digest of all names that a bundle gives: which image lies at the target under which repository and tag, and where it came from. */
export function namesDigest(images: readonly SelectedImage[]): Digest {
  const names = images
    .map(({ origin, source, digest, targets }) => canonicalJson({ origin, source, digest, targets }))
    .sort();
  return digestOf(canonicalJson([...new Set(names)]));
}

/**
 * Whether a plan gives the names of the generation that it builds on: a tag that moved to known content, or a further name for it, brings no
 * byte, and has to reach the far side all the same. Without any trace of the parent's names they count as changed.
 */
export async function hasSameNames(plan: Plan, folder: string, workspace: string, run: Run): Promise<boolean> {
  if (!plan.parent) return plan.images.length === 0;
  const { generation, indexDigest } = plan.parent;
  const kept = (await findFile(namesFile(workspace, generation), run, 4096))?.toString('latin1').split(' ');
  if (kept?.[0] === indexDigest) return kept[1] === namesDigest(plan.images);
  const parentFolder = path.join(folder, `gen-${generationText(generation)}`);
  if (!(await run.disk.stat(path.join(parentFolder, 'index.json')))) return false;
  const [parent] = await openBundle(parentFolder, run);
  return parent?.indexDigest === indexDigest && namesDigest(parent.index.images) === namesDigest(plan.images);
}

/** Keeps the names of a sealed generation in the workspace: its folder may be carried away. */
export async function keepNames(
  workspace: string,
  generation: number,
  sealed: { readonly indexDigest: Digest; readonly images: readonly SelectedImage[] },
  run: Run,
): Promise<void> {
  await writeFileAtomic(namesFile(workspace, generation), `${sealed.indexDigest} ${namesDigest(sealed.images)}`, run);
}

function namesFile(workspace: string, generation: number): string {
  return path.join(workspace, 'generations', `${generationText(generation)}.names`);
}
