import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Disk, nodeDisk } from '../../src/core/disk.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { parseYamlStream } from '../../src/core/yaml.ts';
import { openStorage } from '../../src/oci/index.ts';
import {
  build,
  type LoadResult,
  load,
  type MirrorResult,
  type PlanRequest,
  type PlanResult,
  planImageSet,
  type SelectionSettings,
  type SourceSettings,
} from '../../src/workflow/index.ts';
import { sharedPath } from '../helpers/real.ts';

/** What our engine made of one golden configuration. */
export interface OurRun {
  readonly build: MirrorResult;
  readonly load: LoadResult | undefined;
  /** `repository<TAB>tag-or-dash<TAB>digest`, sorted, as in registry.tsv. */
  readonly registry: readonly string[];
  /** Mirror rules of the written cluster resources: `kind name source → mirror`. */
  readonly mirrors: readonly string[];
  /** The same of a registry over HTTP, when one was given. */
  readonly served: readonly string[] | undefined;
  /** Other cluster resources by file name. */
  readonly resources: ReadonlyMap<string, unknown>;
  readonly folder: string;
}

export interface CaseOptions {
  readonly config?: string;
  readonly full?: boolean;
  readonly replan?: boolean;
  readonly removeSignatures?: boolean;
  readonly volumeSizeBytes?: number;
  readonly ignoreReleaseSignature?: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly chartsUrl: string;
  readonly editConfig?: (text: string) => string;
  /** Load into this registry too, below the case's name. */
  readonly registry?: { readonly host: string; readonly storage: string };
  /** Leave environment variables out, as a golden command did. */
  readonly without?: readonly string[];
}

/** The real disk without waiting for it: power loss has tests of its own, and a suite of hundreds of loads would wait minutes. */
const hastyDisk: Disk = {
  ...nodeDisk,
  async open(...args) {
    const file = await nodeDisk.open(...args);
    file.sync = async () => {};
    return file;
  },
  syncDirectory: async () => {},
  syncFileSystem: async () => true,
};

/** Quiet, and does not wait for the disk. */
export function hastyRun(): Run {
  return quietRun({ disk: hastyDisk });
}

export const goldenTarget = { registry: 'mirror.airgap.example:5610', prefix: '' } as const;

/** How the golden source is reached. */
export function sourceSettings(env: Readonly<Record<string, string>>, homeFolder: string): SourceSettings {
  return {
    tlsVerify: false,
    retryTimes: 1,
    retryDelaySeconds: 0,
    parallelImages: 4,
    parallelLayers: 8,
    env,
    homeFolder,
  };
}

/** What a case selects beside its configuration. */
export function selectionSettings(env: Readonly<Record<string, string>>): SelectionSettings {
  return {
    ignoreReleaseSignature: false,
    removeSignatures: false,
    releaseKeyFile: env['OCP_SIGNATURE_VERIFICATION_PK'],
    updateUrl: env['UPDATE_URL_OVERRIDE'],
    graphUrl: env['AIRLOCK_GRAPH_URL'],
    signatureUrl: env['OCP_SIGNATURE_URL'],
  };
}

/** Writes a case's configuration into `folder`: what its plan, build or mirror is asked. */
export async function caseRequest(name: string, folder: string, options: CaseOptions): Promise<PlanRequest> {
  const imageSetFile = path.join(folder, 'isc.yaml');
  await mkdir(folder, { recursive: true });
  const text = readConfig(name, options.config ?? 'isc.yaml', options.chartsUrl);
  await writeFile(imageSetFile, options.editConfig?.(text) ?? text);
  const env = Object.fromEntries(Object.entries(options.env).filter(([key]) => !options.without?.includes(key)));
  const { ignoreReleaseSignature = false, removeSignatures = false } = options;
  return {
    imageSetFile,
    folder: path.join(folder, 'out'),
    full: options.full ?? false,
    ...(options.volumeSizeBytes === undefined ? {} : { volumeSizeBytes: options.volumeSizeBytes }),
    source: sourceSettings(env, folder),
    selection: { ...selectionSettings(env), ignoreReleaseSignature, removeSignatures },
  };
}

/** Builds a case's configuration in `folder`, through the same function as the command. */
export async function buildCase(name: string, folder: string, options: CaseOptions): Promise<MirrorResult> {
  return build({ ...(await caseRequest(name, folder, options)), replan: options.replan ?? false }, hastyRun());
}

/** Plans it. */
export async function planCase(name: string, folder: string, options: CaseOptions): Promise<PlanResult> {
  return planImageSet(await caseRequest(name, folder, options), hastyRun());
}

/** Builds and loads a golden case's configuration in `folder`. */
export async function runCase(name: string, folder: string, options: CaseOptions): Promise<OurRun> {
  const built = await buildCase(name, folder, options);
  const none = { build: built, load: undefined, registry: [], served: undefined, mirrors: [], resources: new Map() };
  if (built.state !== 'complete') return { ...none, folder };
  const storage = path.join(folder, 'storage');
  const common = { source: sourceSettings({}, folder), targetSettings: { tlsVerify: false }, bundle: built.folder };
  const loaded = await load(
    {
      ...common,
      target: { kind: 'storage', folder: storage },
      servedAs: goldenTarget,
      outputFolder: path.join(folder, 'cluster-resources'),
    },
    hastyRun(),
  );
  const resources = readResources(loaded.clusterResources);
  const { registry } = options;
  if (registry) {
    const target = { kind: 'registry', registry: registry.host, prefix: name } as const;
    const served = await load({ ...common, target, outputFolder: path.join(folder, 'served') }, hastyRun());
    if (served.state !== 'loaded') throw new Error(JSON.stringify(served.copied?.failures));
  }
  return {
    build: built,
    load: loaded,
    registry: await listStorage(storage),
    served: registry ? await listBelow(registry.storage, name) : undefined,
    mirrors: mirrorRules(resources),
    resources,
    folder,
  };
}

/** The configuration with the work folder's names put in. */
export function readConfig(name: string, file: string, chartsUrl: string): string {
  const text = readFileSync(sharedPath(`golden/cases/${name}/${file}`) ?? '', 'utf8');
  // The runs were made below /opt/golden, which stands in the configurations.
  return text
    .replaceAll(/(?:\$BASE|\/opt\/golden)\/src-oci/g, sharedPath('golden/source/oci') ?? '')
    .replaceAll('https://charts.example.com', chartsUrl)
    .replaceAll(/(?:\$BASE|\/opt\/golden)\/charts/g, sharedPath('golden/source/local-charts') ?? '');
}

/** The rows of a storage tree below a path, which is taken away. */
export async function listBelow(storage: string, prefix: string): Promise<string[]> {
  const rows = await listStorage(storage);
  return rows.filter((row) => row.startsWith(`${prefix}/`)).map((row) => row.slice(prefix.length + 1));
}

/** `repository<TAB>tag-or-dash<TAB>digest` of everything in a storage tree. */
export async function listStorage(folder: string): Promise<string[]> {
  const storage = openStorage(folder);
  const run = quietRun();
  const rows: string[] = [];
  for (const repository of await storage.listRepositories(run)) {
    const tagged = new Set<string>();
    for (const tag of await storage.listTags(repository, run)) {
      const digest = await storage.findTag(repository, tag, run);
      tagged.add(digest ?? '');
      rows.push([repository, tag, digest].join('\t'));
    }
    for (const digest of await storage.listRevisions(repository, run))
      if (!tagged.has(digest)) rows.push([repository, '-', digest].join('\t'));
  }
  return rows.sort();
}

/** Parses files by their base name; mirror sets hold several documents. */
export function readResources(files: readonly string[]): Map<string, unknown> {
  return new Map(
    files
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => [path.basename(file), parseYamlStream(readFileSync(file, 'utf8'))]),
  );
}

interface MirrorSet {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, readonly { readonly source: string; readonly mirrors: readonly string[] }[]>>;
}

/** The rules of all mirror sets as sorted lines, since oc-mirror's order is random. */
export function mirrorRules(resources: ReadonlyMap<string, unknown>): string[] {
  const sets = ['idms-oc-mirror.yaml', 'itms-oc-mirror.yaml'].flatMap(
    (name) => (resources.get(name) ?? []) as MirrorSet[],
  );
  return sets
    .flatMap((set) =>
      [...(set.spec['imageDigestMirrors'] ?? []), ...(set.spec['imageTagMirrors'] ?? [])].flatMap(
        ({ source, mirrors }) => mirrors.map((mirror) => `${set.metadata.name} ${source} -> ${mirror}`),
      ),
    )
    .sort();
}
