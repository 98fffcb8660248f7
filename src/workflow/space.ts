import path from 'node:path';
import {
  type BundleIndex,
  collectTargets,
  forecastParts,
  forecastSealed,
  generationText,
  layoutVolumes,
  openBundle,
  planBytes,
} from '../bundle/index.ts';
import type { Site } from '../config/index.ts';
import type { Finding } from '../core/findings.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { blobPath, repositoryLinks } from '../oci/index.ts';
import {
  checkSpace,
  type KeptBlobs,
  measureNeed,
  type Plan,
  type PlannedFiles,
  type SelectedImage,
  type SpaceNeed,
} from '../plan/index.ts';
import type { CarriedTool } from './carried-tool.ts';
import type { PlanRequest } from './requests.ts';
import { describeResult } from './result.ts';
import { sitePaths } from './site/paths.ts';
import { formatTarget, siteLoadTarget } from './target.ts';
import { toolSumsName } from './tool-sums.ts';

/** What a folder needs, and what its file system has. */
export interface ForecastNeed extends SpaceNeed {
  /** Left out where nothing says which folder it will be: on the bastion without a site, in an external registry. */
  readonly folder?: string;
  /** Free bytes there now, for users without special rights; of this host only. Folders of one file system share them. */
  readonly freeBytes?: number;
}

/** What folders on both hosts will take, and whether this one has it. */
export interface SpaceForecast {
  readonly space: readonly ForecastNeed[];
  readonly findings: readonly Finding[];
  readonly volumes: readonly { readonly name: string; readonly sizeBytes: number }[];
}

/** What the forecast is of. */
export interface SpaceSubject {
  readonly plan: Plan;
  readonly tool: CarriedTool | undefined;
  readonly site: Site | undefined;
  readonly workspace: string;
  /** What planning read whole. */
  readonly kept: KeptBlobs;
}

/** Forecasts every folder on both hosts to the byte, for a far side that loaded the generations before this one. */
export async function forecastSpace(subject: SpaceSubject, request: PlanRequest, run: Run): Promise<SpaceForecast> {
  const { plan, tool } = subject;
  const index = layoutVolumes(plan, tool ? { tool } : {});
  const sealed = forecastSealed(index, planBytes(plan).length, request.signed === true);
  const volumes = index.volumes.map(({ name }) => ({ name, sizeBytes: sealed.folder.get(name) ?? 0 }));
  const resultBytes = measureResult(plan, request.folder, volumes);
  const here = await run.disk.space(request.folder);
  const connected: PlannedFiles[] = [
    { host: 'connected', purpose: 'bundle', files: new Map([...sealed.folder, ['result.json', resultBytes]]) },
    {
      host: 'connected',
      purpose: 'workspace',
      files: new Map([
        [`${generationText(plan.generation)}.json`, sealed.recordBytes],
        [`${generationText(plan.generation)}.names`, namesBytes],
      ]),
    },
  ];
  if (request.partSizeBytes !== undefined) {
    const files = forecastParts(plan.generation, volumes, sealed.folder, request.partSizeBytes);
    connected.push({ host: 'connected', purpose: 'parts', files });
  }
  const bastion = await planBastion(subject, index, sealed.loadRecord, request, run);
  const blockBytes = request.blockBytes ?? 4096;
  const local = await measureHere(connected, here.blockBytes, { request, workspace: subject.workspace }, run);
  const far = farFolders(subject.site);
  const space = [
    ...local,
    ...bastion.map((files) => {
      const folder = far[files.purpose];
      return { ...measureNeed(files, blockBytes), ...(folder === undefined ? {} : { folder }) };
    }),
  ];
  return { space, volumes, findings: await checkHere(local, run) };
}

type LocalNeed = ForecastNeed & Required<Pick<ForecastNeed, 'folder' | 'freeBytes'>>;

/** Needs of this host with their folders and what is free there. */
async function measureHere(
  planned: readonly PlannedFiles[],
  blockBytes: number,
  { request, workspace }: { readonly request: PlanRequest; readonly workspace: string },
  run: Run,
): Promise<LocalNeed[]> {
  const folders = { bundle: request.folder, parts: request.partsFolder ?? request.folder, workspace } as const;
  const needs: LocalNeed[] = [];
  for (const files of planned) {
    const folder = folders[files.purpose as keyof typeof folders];
    const { freeBytes } = await run.disk.space(folder);
    needs.push({ ...measureNeed(files, blockBytes), folder, freeBytes });
  }
  return needs;
}

/** Folders of the bastion, as far as the site tells. */
function farFolders(site: Site | undefined): { readonly [purpose in SpaceNeed['purpose']]?: string } {
  if (!site) return {};
  const { storage, web, tools, files, state } = sitePaths(site);
  const others = { web, tools, files, state };
  return siteLoadTarget(site).kind === 'storage' ? { registry: storage, ...others } : others;
}

/** Two digests and a blank. */
const namesBytes = 2 * 71 + 1;

/** Size of `result.json`, which the build writes beside the volumes: all in it is known, or of a fixed length. */
function measureResult(plan: Plan, folder: string, volumes: SpaceForecast['volumes']): number {
  const sealed = volumes.map((volume) => ({ ...volume, sha256: '0'.repeat(64) }));
  const generationFolder = path.join(folder, `gen-${generationText(plan.generation)}`);
  const ending = { state: 'complete', folder: generationFolder, missing: [], volumes: sealed } as const;
  const never = new Date(0);
  return Buffer.byteLength(prettyJson(describeResult(plan, ending, { startedAt: never, finishedAt: never })));
}

/** Needs of this host, those on one file system together. */
async function checkHere(needs: readonly LocalNeed[], run: Run): Promise<Finding[]> {
  const shares = new Map<number, { folder: string; need: SpaceNeed }>();
  for (const need of needs) {
    const device = await deviceOf(need.folder, run);
    const before = shares.get(device);
    shares.set(device, {
      folder: before?.folder ?? need.folder,
      need: before ? addNeeds(before.need, need) : need,
    });
  }
  const findings: Finding[] = [];
  for (const { folder, need } of shares.values()) {
    const finding = checkSpace(need, folder, await run.disk.space(folder));
    if (finding) findings.push(finding);
  }
  return findings;
}

function addNeeds(a: SpaceNeed, b: SpaceNeed): SpaceNeed {
  const allocatedBytes = a.allocatedBytes + b.allocatedBytes;
  return { ...a, bytes: a.bytes + b.bytes, allocatedBytes, files: a.files + b.files };
}

async function deviceOf(folder: string, run: Run): Promise<number> {
  for (let at = folder; ; at = path.dirname(at)) {
    const stat = await run.disk.stat(at);
    if (stat || at === path.dirname(at)) return stat?.device ?? 0;
  }
}

/** What `load` will place on the bastion. */
async function planBastion(
  { plan, site, kept }: SpaceSubject,
  index: BundleIndex,
  loadRecord: ReturnType<typeof forecastSealed>['loadRecord'],
  request: PlanRequest,
  run: Run,
): Promise<PlannedFiles[]> {
  const registry = new Map(plan.blobs.map((blob): [string, number] => [blobPath(blob.digest), blob.size]));
  const before = await linksOf(await parentImages(plan, request, run), kept, run);
  for (const [file, digest] of await linksOf(plan.images, kept, run))
    if (before.get(file) !== digest) registry.set(file, digest.length);
  const web = new Map<string, number>();
  const tools = new Map<string, number>();
  const files = new Map<string, number>();
  for (const file of index.files) {
    if (file.webPath !== undefined) web.set(file.webPath.slice(1), file.size);
    else if (file.role === 'tool') tools.set(path.posix.basename(file.path), file.size);
    else if (file.role === 'registry-image') files.set(file.path.replace(/^airlock\//, ''), file.size);
  }
  // The list of checksums beside them.
  const sumsBytes = [...tools.keys()].reduce((sum, name) => sum + 64 + 2 + name.length + 1, 0);
  if (sumsBytes > 0) tools.set(toolSumsName, sumsBytes);
  const own = site && sitePaths(site);
  const places = own
    ? { target: formatTarget(siteLoadTarget(site)), webRoot: own.web, toolsDir: own.tools, filesDir: own.files }
    : { target: '/opt/registry/data' };
  const state = new Map(
    [...loadRecord(places)].map(([name, size]): [string, number] => [
      `generations/${generationText(plan.generation)}/${name}`,
      size,
    ]),
  );
  const host = 'bastion';
  return [
    { host, purpose: 'registry', files: registry },
    { host, purpose: 'web', files: web },
    { host, purpose: 'tools', files: tools },
    { host, purpose: 'files', files },
    { host, purpose: 'state', files: state },
  ];
}

/** The link files of images at their target, by path. Manifests are in the workspace since they were planned. */
async function linksOf(images: readonly SelectedImage[], kept: KeptBlobs, run: Run): Promise<Map<string, string>> {
  const tree = await collectTargets(images, {
    readManifest: (digest) => kept.find(digest, run),
    hasBlob: async () => true,
  });
  return new Map(
    tree.repositories.flatMap((repository) =>
      [...repositoryLinks(repository)].map((link): [string, string] => [link.path, link.digest]),
    ),
  );
}

/** Images of the generation before, where its index is still here; otherwise every link counts as new. */
async function parentImages(plan: Plan, request: PlanRequest, run: Run): Promise<readonly SelectedImage[]> {
  if (!plan.parent) return [];
  const folder = path.join(request.folder, `gen-${generationText(plan.parent.generation)}`);
  if (!(await run.disk.stat(path.join(folder, 'index.json')))) return [];
  const [bundle] = await openBundle(folder, run);
  return bundle && bundle.indexDigest === plan.parent.indexDigest ? bundle.index.images : [];
}
