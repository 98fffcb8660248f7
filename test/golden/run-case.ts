import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quietRun } from '../../src/core/run.ts';
import { parseYamlStream } from '../../src/core/yaml.ts';
import { openStorage } from '../../src/oci/index.ts';
import { build, type LoadResult, load, type MirrorResult, type SourceSettings } from '../../src/workflow/index.ts';
import { sharedPath } from '../helpers/real.ts';

/** What our engine made of one golden configuration. */
export interface OurRun {
  readonly build: MirrorResult;
  readonly load: LoadResult | undefined;
  /** `repository<TAB>tag-or-dash<TAB>digest`, sorted, as in registry.tsv. */
  readonly registry: readonly string[];
  /** Mirror rules of the written cluster resources: `kind name source → mirror`. */
  readonly mirrors: readonly string[];
  /** Other cluster resources by file name. */
  readonly resources: ReadonlyMap<string, unknown>;
  readonly folder: string;
}

export interface CaseOptions {
  readonly config?: string;
  readonly removeSignatures?: boolean;
  readonly ignoreReleaseSignature?: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly chartsUrl: string;
  readonly editConfig?: (text: string) => string;
  /** Leave environment variables out, as a golden command did. */
  readonly without?: readonly string[];
}

export const goldenTarget = { registry: 'mirror.airgap.example:5610', prefix: '' } as const;

/** Builds and loads a golden case's configuration in `folder`, through the same functions as the commands. */
export async function runCase(name: string, folder: string, options: CaseOptions): Promise<OurRun> {
  const imageSetFile = path.join(folder, 'isc.yaml');
  await mkdir(folder, { recursive: true });
  const text = readConfig(name, options.config ?? 'isc.yaml', options.chartsUrl);
  await writeFile(imageSetFile, options.editConfig?.(text) ?? text);
  const env = Object.fromEntries(Object.entries(options.env).filter(([key]) => !options.without?.includes(key)));
  const source: SourceSettings = {
    tlsVerify: false,
    retryTimes: 1,
    retryDelaySeconds: 0,
    parallelImages: 4,
    parallelLayers: 8,
    env,
    homeFolder: folder,
  };
  const run = quietRun();
  const built = await build(
    {
      imageSetFile,
      folder: path.join(folder, 'out'),
      full: false,
      replan: false,
      source,
      selection: {
        ignoreReleaseSignature: options.ignoreReleaseSignature ?? false,
        removeSignatures: options.removeSignatures ?? false,
        releaseKeyFile: env['OCP_SIGNATURE_VERIFICATION_PK'],
        updateUrl: env['UPDATE_URL_OVERRIDE'],
        signatureUrl: env['OCP_SIGNATURE_URL'],
      },
    },
    run,
  );
  const none = { build: built, load: undefined, registry: [], mirrors: [], resources: new Map(), folder };
  if (built.state !== 'complete') return none;
  const storage = path.join(folder, 'storage');
  const loaded = await load(
    {
      bundle: built.folder,
      target: { kind: 'storage', folder: storage },
      servedAs: goldenTarget,
      outputFolder: path.join(folder, 'cluster-resources'),
      source,
      targetSettings: { tlsVerify: false },
    },
    run,
  );
  const resources = readResources(loaded.clusterResources);
  return {
    build: built,
    load: loaded,
    registry: await listStorage(storage),
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
