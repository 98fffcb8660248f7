import type { ApplyMode, ApplyStage, ClusterObject, Gate, StageObject } from '../cluster/index.ts';
import { describeResource, type EmittedFile, type Resource, renderResources } from './resource.ts';

/** One file of a stage. */
export interface StageFile {
  /** Without folder, ending in `.yaml`. Names sort in the order of application, since `oc apply -f FOLDER` takes them so. */
  readonly name: string;
  readonly resources: readonly Resource[];
  /** Why the objects are needed, one sentence. */
  readonly why: string;
  readonly mode?: ApplyMode;
  /** Fields that the objects need besides where nobody made them yet. */
  readonly whenMissing?: NonNullable<StageObject['whenMissing']>;
}

/** Objects that are applied together, and what to wait for afterwards. */
export interface ManifestStage {
  /** Short and stable: what `apply --stage` names. */
  readonly name: string;
  readonly title: string;
  /** Where it is applied: the management cluster, or a hosted cluster through its own kubeconfig. */
  readonly cluster: ApplyStage['cluster'];
  /** A stage without files is left out, unless `waitsOnly`. */
  readonly files: readonly StageFile[];
  /** Single fields of objects that the cluster may have, for `oc patch`: no whole objects, so they stand in no file. */
  readonly patches?: readonly Resource[];
  /** It has no objects: it is there for its gates. */
  readonly waitsOnly?: true;
  readonly gates: readonly Gate[];
  /** How long the gates may take altogether. */
  readonly timeoutSeconds: number;
}

/** The folder of a stage: two digits, three from a hundred stages on, that sort in application order, then its name. */
export function stageFolder(stages: readonly ManifestStage[], stage: ManifestStage): string {
  const withFiles = stages.filter(({ files }) => files.length > 0);
  const digits = Math.max(2, String(withFiles.length).length);
  return `${String(withFiles.indexOf(stage) + 1).padStart(digits, '0')}-${stage.name}`;
}

/** The stages in the form that `src/cluster` applies. */
export function toApplyStages(stages: readonly ManifestStage[]): ApplyStage[] {
  return stages.map(({ files, patches = [], waitsOnly: _, ...stage }) => ({
    ...stage,
    objects: [
      ...files.flatMap((file) =>
        file.resources.map((resource) => ({
          object: resource satisfies ClusterObject,
          mode: file.mode ?? 'apply',
          ...(file.whenMissing ? { whenMissing: file.whenMissing } : {}),
        })),
      ),
      ...patches.map((object) => ({ object, mode: 'existing' as const })),
    ],
  }));
}

/** One folder per stage, `README.md` with a table, and `stages.json`, which `airlock apply` reads. Files with Secrets are 0600. */
export function renderStages(stages: readonly ManifestStage[]): EmittedFile[] {
  const used = stages.filter(isUsed);
  const files = used.flatMap((stage) =>
    stage.files.map((file) => ({
      path: `${stageFolder(used, stage)}/${file.name}`,
      content: renderResources(file.resources),
      mode: file.resources.some((resource) => resource.kind === 'Secret') ? 0o600 : 0o644,
    })),
  );
  return [
    { path: 'README.md', content: renderReadme(used), mode: 0o644 },
    { path: 'stages.json', content: renderStageIndex(used), mode: 0o644 },
    ...files,
  ];
}

/** Whether a stage does anything. */
export function isUsed(stage: ManifestStage): boolean {
  return stage.files.length > 0 || stage.waitsOnly === true;
}

/** `stages.json`: the stages without their objects, which lie in the files; patches are in it. */
function renderStageIndex(stages: readonly ManifestStage[]): string {
  const index = {
    apiVersion: 'airlock/v1alpha1',
    kind: 'ManifestStages',
    stages: stages.map((stage) => ({
      name: stage.name,
      title: stage.title,
      cluster: stage.cluster,
      gates: stage.gates,
      timeoutSeconds: stage.timeoutSeconds,
      files: stage.files.map((file) => ({
        path: `${stageFolder(stages, stage)}/${file.name}`,
        mode: file.mode ?? 'apply',
        ...(file.whenMissing ? { whenMissing: file.whenMissing } : {}),
      })),
      ...(stage.patches && stage.patches.length > 0 ? { patches: stage.patches } : {}),
    })),
  };
  return `${JSON.stringify(index, null, 2)}\n`;
}

function renderReadme(stages: readonly ManifestStage[]): string {
  const rows = stages.flatMap((stage) => {
    const where = stage.cluster === 'management' ? 'management' : stage.cluster.hosted;
    const waits = stage.gates.map(describeGate).join('; ') || '–';
    if (stage.waitsOnly) return [`| – | ${where} | – | ${stage.title} | ${waits} |`];
    const patches = (stage.patches ?? []).map(
      (patch) =>
        `| \`${patchCommand(patch)}\` | ${where} | ${describeResource(patch)} | ${stage.title}, where it is there | |`,
    );
    const files = stage.files.map((file, index) => {
      const objects = file.resources.map(describeResource).join(', ');
      const wait = index === stage.files.length - 1 ? waits : '';
      return `| \`${stageFolder(stages, stage)}/${file.name}\` | ${where} | ${objects} | ${file.why} | ${wait} |`;
    });
    return [...patches, ...files];
  });
  return [
    '# Objects of this site',
    '',
    'Apply the folders in the order of their numbers and wait after each for what the last column names. `airlock apply` does both, shows what',
    'would change first, and can be run again at any time. By hand: `oc apply --server-side -f FOLDER`.',
    '',
    'Where the column Cluster names a hosted cluster, use its own kubeconfig (Secret `NAME-admin-kubeconfig` beside the HostedCluster).',
    '`nodepools.yaml` of a `…-node-pools` folder is only for the first time: it makes pools without hosts. Use the `…-scale` folder afterwards.',
    '',
    'Files whose objects are shared with others (the global pull secret, `Image/cluster` and so on) hold only what belongs to this site;',
    '`airlock apply` merges them with what the cluster has. Files with Secrets are readable by their owner alone.',
    '',
    '| File | Cluster | Objects | Why | Wait for |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function patchCommand({ kind, metadata, spec }: Resource): string {
  return `oc patch ${kind.toLowerCase()} ${metadata.name} --type=merge -p '${JSON.stringify({ spec })}'`;
}

/** A gate in words. */
export function describeGate(gate: Gate): string {
  switch (gate.kind) {
    case 'machineConfigPools':
      return 'every MachineConfigPool updated';
    case 'defaultCatalogsGone':
      return 'default CatalogSources gone';
    case 'catalogReady':
      return `CatalogSource ${gate.name} READY`;
    case 'packageServed':
      return `package ${gate.name} served by ${gate.catalog}`;
    case 'subscriptionInstalled':
      return `CSV of Subscription ${gate.name} Succeeded`;
    case 'field':
      return `${gate.object.kind} ${gate.object.name}: ${gate.path} = ${gate.value}`;
    case 'conditions':
      return `${gate.object.kind} ${gate.object.name}: ${Object.entries(gate.wanted)
        .map(([type, status]) => (status === 'True' ? type : `not ${type}`))
        .join(', ')}`;
    case 'exists':
      return `${gate.object.kind} ${gate.object.name} there`;
    case 'nodesReady':
      return 'every node Ready';
    case 'nodePortRange':
      return `API servers run with the NodePort range ${gate.range}`;
    case 'releaseRolledOut':
      return `${gate.object.kind} ${gate.object.name} at its release, when it was installed before`;
    case 'agentsReady':
      return `${gate.count} Agents in ${gate.namespace} approved and valid`;
    case 'agentsBound':
      return `${gate.count} Agents in ${gate.namespace} bound`;
  }
}
