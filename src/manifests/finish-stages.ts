import { textAt } from './lint/faults.ts';
import { isUsed, type ManifestStage } from './stages.ts';

/** Stages as a whole: those that do nothing left out, file names unique in each, and catalogs waited for by what is installed from them. */
export function finishStages(stages: readonly ManifestStage[]): ManifestStage[] {
  const used = stages.filter(isUsed).map(withUniqueFiles);
  return used.map((stage) => withPackageGates(stage, used));
}

/** Names are made of what the user chose: two that come together get numbers, or one would replace the other. */
function withUniqueFiles(stage: ManifestStage): ManifestStage {
  const taken = new Set<string>();
  const files = stage.files.map((file) => {
    let { name } = file;
    for (let count = 2; taken.has(name); count += 1) name = file.name.replace(/\.yaml$/, `-${count}.yaml`);
    taken.add(name);
    return { ...file, name };
  });
  return { ...stage, files };
}

/** A stage that serves catalogs waits for the packages that stages of the same cluster install from them. */
function withPackageGates(stage: ManifestStage, stages: readonly ManifestStage[]): ManifestStage {
  const served = stage.gates.flatMap((gate) => (gate.kind === 'catalogReady' ? [gate.name] : []));
  if (served.length === 0) return stage;
  const gates = stages
    .filter(({ cluster }) => JSON.stringify(cluster) === JSON.stringify(stage.cluster))
    .flatMap(({ files }) => files.flatMap((file) => file.resources))
    .filter(({ kind }) => kind === 'Subscription')
    .map((one) => ({ name: textAt(one, 'spec', 'name') ?? '', catalog: textAt(one, 'spec', 'source') ?? '' }))
    .filter(({ catalog }) => served.includes(catalog))
    .map((wanted) => ({ kind: 'packageServed' as const, ...wanted }));
  return { ...stage, gates: [...stage.gates, ...gates] };
}
