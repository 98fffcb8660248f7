import path from 'node:path';
import { openBundle } from '../bundle/index.ts';
import { decodeText, loadDeleteImageSet, loadSite } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type MirrorTarget, targetRepository } from '../manifests/index.ts';
import {
  type DeletionItem,
  type DeletionResult,
  executeDeletions,
  type LoadedSet,
  listDeletions,
  parseDeletions,
  renderDeleteSet,
  renderDeletions,
  selectLoaded,
} from '../mirror/index.ts';
import { openTargetClients } from './clients.ts';
import { type LoadedContent, mergeSets, readBundleContent, readLoadedContent } from './loaded.ts';
import { findMirrored } from './mirrored.ts';
import type { SourceSettings, TargetSettings } from './requests.ts';

export interface GenerateRequest {
  readonly deleteSetFile: string;
  readonly target: MirrorTarget;
  /** What is at the target: the bundles that were loaded; else the site's load records and what `airlock mirror` brought out of the workspace. */
  readonly siteFile?: string | undefined;
  readonly bundle?: string | undefined;
  readonly workspace?: string | undefined;
  readonly outputFolder: string;
  /** Put into the file's name, as oc-mirror's `--delete-id`. */
  readonly id?: string | undefined;
  readonly signatures: boolean;
}

export interface GenerateResult {
  readonly file: string;
  readonly items: readonly DeletionItem[];
  /** Named by the configuration, but needed by something that stays. */
  readonly kept: readonly string[];
}

/**
 * First step of a deletion: writes the list of what would go, for people to read, and beside it the configuration that it was made of. Nothing is
 * asked of any registry.
 * @throws AirlockError CONFIG_INVALID, USAGE, NOTHING_SELECTED
 */
export async function generateDeletion(request: GenerateRequest, run: Run): Promise<GenerateResult> {
  const { deleteImageSet, bytes } = await loadDeleteImageSet(request.deleteSetFile, run);
  const { selected, kept } = selectLoaded(deleteImageSet, await readContent(request, run));
  const items = listDeletions(selected, request.target.registry, {
    signatures: request.signatures,
    rename: (repository) => targetRepository(repository, request.target),
  });
  if (items.length === 0) {
    throw new AirlockError('NOTHING_SELECTED', `${request.deleteSetFile} selects nothing that is there`, {
      hint:
        kept.length > 0
          ? `images that it names and others still need: ${kept.length}`
          : 'airlock inspect and status show what is there',
    });
  }
  const fileOf = (name: string): string =>
    path.join(request.outputFolder, `${name}${request.id ? `-${request.id}` : ''}.yaml`);
  const file = fileOf('delete-images');
  await writeFileAtomic(
    fileOf('delete-imageset-config'),
    renderDeleteSet(decodeText(bytes, request.deleteSetFile)),
    run,
  );
  await writeFileAtomic(file, renderDeletions(items), run);
  return { file, items, kept: kept.map((image) => image.origin) };
}

async function readContent(request: GenerateRequest, run: Run): Promise<LoadedSet> {
  const { bundle, siteFile, workspace, target } = request;
  if (bundle !== undefined) return everything(await readBundleContent(await openBundle(bundle, run), undefined, run));
  const mirrored = workspace === undefined ? undefined : await findMirrored(workspace, target, run);
  const loaded =
    siteFile === undefined
      ? undefined
      : everything(await readLoadedContent((await loadSite(siteFile, run)).site.paths.state, run));
  const sets = [loaded, mirrored].filter((set) => set !== undefined);
  if (sets.length > 0) return mergeSets(sets);
  throw new AirlockError('USAGE', 'nothing says what is there', {
    hint: 'name a site file with -f FILE, the bundles that were loaded with --bundle, or the workspace of airlock mirror with --workspace',
  });
}

/** What an earlier generation brought can be deleted too. */
function everything({ images, releases, everyCatalog }: LoadedContent): LoadedSet {
  return { images, releases, catalogs: everyCatalog };
}

/**
 * Second step: removes what a list names from its registry, each manifest once. What is gone already is done; what a tag outside of the
 * list needs stays. Blobs go with the registry's own garbage collection.
 * @throws AirlockError DELETE_LIST_INVALID, USAGE when the list is of another registry, REGISTRY_*
 */
export async function executeDeletion(
  request: {
    readonly listFile: string;
    readonly target: MirrorTarget;
    readonly source: SourceSettings;
    readonly targetSettings: TargetSettings;
  },
  run: Run,
): Promise<DeletionResult> {
  const items = parseDeletions((await readFileLimited(request.listFile, run)).toString());
  const { registry, maxNestedPaths } = request.target;
  // Joined names need not begin with the prefix as a folder.
  const prefix = maxNestedPaths ? '' : request.target.prefix;
  const place = `docker://${[registry, prefix].filter(Boolean).join('/')}/`;
  const foreign = items.find((item) => !item.imageReference.startsWith(place));
  if (foreign)
    throw new AirlockError('USAGE', `the list names ${foreign.imageReference}, which is not below ${place}`, {
      hint: 'give the same target as when the list was made',
    });
  const clients = await openTargetClients(request.source, request.targetSettings, undefined, run);
  try {
    return await executeDeletions(items, clients.remote, run);
  } finally {
    await clients.close();
  }
}
