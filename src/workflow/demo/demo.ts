import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import type { Finding } from '../../core/findings.ts';
import type { Run } from '../../core/run.ts';
import type { EngineSearch } from '../../registry/index.ts';
import { build } from '../build.ts';
import { check, type SiteCheck } from '../check.ts';
import { down } from '../down.ts';
import { type EmitResult, emit } from '../emit.ts';
import { type LoadResult, load } from '../load.ts';
import { planImageSet } from '../plan-image-set.ts';
import type { PlanRequest, SourceSettings } from '../requests.ts';
import type { MirrorResult } from '../result.ts';
import { type UpResult, up } from '../up.ts';
import { verify } from '../verify.ts';
import { makeDemoContent } from './payload.ts';
import { type DemoFiles, writeDemoFiles } from './site-files.ts';
import { contentBytes, type DemoSource, startDemoSource } from './source.ts';

export interface DemoRequest {
  readonly folder: string;
  readonly keep: boolean;
  readonly selfCommand: readonly string[];
  readonly homeFolder: string;
}

/** The whole journey in figures. */
export interface DemoResult {
  readonly folder: string;
  readonly siteFile: string;
  readonly release: string;
  readonly sourceBytes: number;
  readonly build: MirrorResult;
  readonly verifiedBytes: number;
  readonly load: LoadResult;
  readonly up: UpResult;
  readonly emit: EmitResult;
  readonly check: SiteCheck;
  /** Whether the services still run. */
  readonly kept: boolean;
  readonly ready: boolean;
}

const markName = '.airlock-demo';
/** Nothing is asked of Podman: the demo runs for everybody alike. */
const noEngine: EngineSearch = { userId: 0, containerHost: 'none' };

/**
 * Plan, build, carry, verify, load, up, emit, check on loopback, as an ordinary user: the very functions that the commands call. The source
 * is closed before the far side begins.
 * @throws AirlockError USAGE for a folder that is somebody else's, and whatever a stage throws
 */
export async function demo(request: DemoRequest, run: Run): Promise<DemoResult> {
  const { folder } = request;
  await prepareFolder(folder, run);
  const content = makeDemoContent();
  step(run, `the connected side: a source registry with OpenShift ${content.version} on loopback`);
  const source = await startDemoSource(content, path.join(folder, 'source'), run);
  const files = await writeDemoFiles(folder, content, run);
  const built = await buildBundle(request, source, files, run).finally(() => source.close());
  step(run, 'across the gap: the bundle is carried, the source is gone');
  const media = path.join(folder, 'media', path.basename(built.folder));
  await run.disk.makeDirectory(path.dirname(media));
  await run.disk.rename(built.folder, media);
  try {
    return {
      sourceBytes: contentBytes(content),
      release: content.version,
      ...(await farSide(request, media, files, built, run)),
    };
  } catch (error) {
    await down(files.siteFile, noEngine, run).catch(() => {});
    throw error;
  }
}

async function buildBundle(
  request: DemoRequest,
  source: DemoSource,
  files: DemoFiles,
  run: Run,
): Promise<MirrorResult> {
  const plan: PlanRequest = {
    ...files,
    folder: path.join(request.folder, 'bundles'),
    full: false,
    source: { ...quietSettings(request), registriesConfFile: source.registriesConf },
    selection: {
      coreosArchitectures: ['x86_64', 'aarch64'],
      coreosBaseUrl: source.coreosBaseUrl,
      releaseKeyFile: source.releaseKeyFile,
      updateUrl: source.updateUrl,
      signatureUrl: source.signatureUrl,
      ignoreReleaseSignature: false,
      removeSignatures: false,
    },
  };
  await planImageSet(plan, run);
  const result = await build({ ...plan, replan: false }, run);
  if (result.state === 'complete') return result;
  throw new AirlockError(
    'DEMO_FAILED',
    `the demo's bundle is ${result.state}: ${result.missing.map((one) => `${one.origin}: ${one.cause}`).join('; ')}`,
  );
}

async function farSide(request: DemoRequest, media: string, { siteFile }: DemoFiles, built: MirrorResult, run: Run) {
  step(run, 'the bastion: verify, load, up');
  const { bundles } = await verify({ bundle: media, media: [], verifiedBy: 'airlock demo' }, run);
  const findings: readonly Finding[] = bundles.flatMap((report) =>
    report.findings.filter((finding) => finding.severity === 'error'),
  );
  if (findings[0]) throw new AirlockError('DEMO_FAILED', `${findings[0].subject}: ${findings[0].message}`);
  const settings = quietSettings(request);
  const loaded = await load(
    {
      bundle: media,
      siteFile,
      outputFolder: path.join(request.folder, 'working-dir'),
      source: settings,
      targetSettings: { tlsVerify: true },
    },
    run,
  );
  const services = await up({ siteFile, selfCommand: request.selfCommand, engine: noEngine }, run);
  step(run, 'objects for the clusters, and the proof');
  const emitted = await emit(siteFile, path.join(request.folder, 'manifests'), run);
  const proof = await check(siteFile, { hashFiles: true }, run);
  if (!request.keep) await down(siteFile, noEngine, run);
  return {
    folder: request.folder,
    siteFile,
    build: { ...built, folder: media },
    verifiedBytes: bundles.reduce((sum, report) => sum + report.checkedBytes, 0),
    load: loaded,
    up: services,
    emit: emitted,
    check: proof,
    kept: request.keep,
    ready: proof.findings.every((finding) => finding.severity !== 'error'),
  };
}

/** A demo starts over: what an earlier one left is stopped and removed; anything else in the folder is left alone. */
async function prepareFolder(folder: string, run: Run): Promise<void> {
  const entries = await run.disk.list(folder);
  const mark = await findFile(path.join(folder, markName), run);
  if (entries.length > 0 && !mark) {
    throw new AirlockError('USAGE', `${folder} is not empty and not a demo's`, {
      hint: 'name another folder with --dir',
    });
  }
  const siteFile = path.join(folder, 'site.yaml');
  if (mark && (await run.disk.stat(siteFile))) await down(siteFile, noEngine, run).catch(() => {});
  await run.disk.remove(folder);
  await writeFileAtomic(path.join(folder, markName), 'made by airlock demo; the next demo removes this folder\n', run);
}

/** Nothing of the user's own registries, credentials or proxies is read. */
function quietSettings(request: DemoRequest): SourceSettings {
  return {
    tlsVerify: true,
    retryTimes: 1,
    retryDelaySeconds: 0,
    parallelImages: 4,
    parallelLayers: 8,
    env: {},
    homeFolder: request.folder,
  };
}

function step(run: Run, message: string): void {
  run.report({ stage: 'serve', state: 'log', level: 'info', message });
}
