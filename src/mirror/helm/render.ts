import { AirlockError, errorText, isAirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { type CommandResult, runCommand } from '../../core/run-command.ts';
import { parseYamlStream } from '../../core/yaml.ts';
import { findVersionConstraint } from '../version-constraint.ts';
import type { Chart } from './chart.ts';

const outputLimitBytes = 64 << 20;
// The newest minor first that is not above what helm 3 takes itself, then newer ones.
const minors = [...Array.from({ length: 34 }, (_, at) => 33 - at), ...Array.from({ length: 40 }, (_, at) => 34 + at)];

/**
 * The documents that `helm` renders of a chart with its default values, CRDs and hooks among them, tests not; undefined when there is no helm.
 * `place` is its package or folder. oc-mirror asks for no Kubernetes version, so a chart that wants another than helm's own gets one.
 * @throws AirlockError HELM_CHART_INVALID
 */
export async function renderChart(
  program: string,
  chart: Chart,
  place: string,
  run: Run,
): Promise<readonly unknown[] | undefined> {
  const version = findKubernetesVersion(chart.kubeVersion);
  let result = await template(program, place, [], run);
  if (result?.exitCode !== 0 && version && result?.stderr.includes('incompatible with Kubernetes'))
    result = await template(program, place, ['--kube-version', version], run);
  if (!result) return undefined;
  if (result.exitCode !== 0)
    throw new AirlockError(
      'HELM_CHART_INVALID',
      `helm cannot render chart ${chart.name}: ${findReason(result.stderr)}`,
    );
  try {
    return parseYamlStream(result.stdout);
  } catch (error) {
    throw new AirlockError(
      'HELM_CHART_INVALID',
      `what helm renders of chart ${chart.name} is no YAML: ${errorText(error)}`,
      { cause: error },
    );
  }
}

async function template(
  program: string,
  place: string,
  more: readonly string[],
  run: Run,
): Promise<CommandResult | undefined> {
  const args = ['template', place, '--include-crds', '--skip-tests', ...more];
  return runCommand(program, args, { keepBytes: outputLimitBytes }, run).catch((error: unknown) => {
    if (isAirlockError(error, 'COMMAND_NOT_FOUND')) return undefined;
    throw error;
  });
}

function findKubernetesVersion(constraint: string): string | undefined {
  const fits = findVersionConstraint(constraint);
  const minor = minors.find((number) => fits?.({ numbers: [1, number, 0], prerelease: [] }));
  return minor === undefined ? undefined : `1.${minor}.0`;
}

/** What helm says is wrong; a hint about --debug may follow it, warnings may come before. */
function findReason(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return (lines.find((line) => line.startsWith('Error: ')) ?? lines.at(-1) ?? '').replace(/^Error: /, '');
}
