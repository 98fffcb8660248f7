import type { CommandSpec, OptionSpec } from '../command.ts';
import { globalOptions } from '../options.ts';

/** docs/cli.md: the whole command line, from the command table. */
export function renderCliDocs(specs: readonly CommandSpec[]): string {
  return [
    '# Command line',
    '',
    '<!-- Made from src/cli/commands/table.ts by `npm run docs`; a test holds them together. -->',
    '',
    'Results go to standard output, everything else to standard error. Every flag can be given as `AIRLOCK_<NAME>` in the environment',
    '(`--parallel-layers` is `AIRLOCK_PARALLEL_LAYERS`). `--help` works on every level.',
    '',
    '| Command | |',
    '|---|---|',
    ...specs.map(
      (spec) => `| [\`airlock ${spec.name}\`](#airlock-${spec.name.replaceAll(' ', '-')}) | ${spec.summary} |`,
    ),
    '',
    '## Exit codes',
    '',
    '| Code | Meaning |',
    '|---|---|',
    '| 0 | done, or nothing new to do |',
    '| 1 | the answer is no: findings, damage found by `verify` or `load`, base generation missing, not enough space, declined at the prompt |',
    '| 2 | wrong usage or configuration |',
    '| 3 | a service, network or disk failed: unreachable, 401/403, lock held, a release image missing |',
    '| 4 | a bug |',
    '| 5 | incomplete: any other content missing; run again to go on |',
    '| 129, 130, 143 | interrupted: the terminal was closed, SIGINT, SIGTERM |',
    '',
    "`build` and `mirror` put oc-mirror's bit mask (2 release, 4 operator, 8 additional images, 16 helm) into the JSON result (`errorBits`).",
    '',
    '## Flags of every command',
    '',
    ...renderOptions(globalOptions),
    ...specs.flatMap(renderCommand),
  ].join('\n');
}

function renderCommand(spec: CommandSpec): string[] {
  const usage = ['airlock', spec.name, ...(spec.arguments ?? []).map((argument) => argument.name), '[flags]'].join(' ');
  return [
    '',
    `## airlock ${spec.name}`,
    '',
    `\`${usage}\``,
    '',
    `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`,
    ...(spec.description ? ['', spec.description] : []),
    ...(spec.arguments?.length
      ? ['', ...spec.arguments.map((argument) => `- \`${argument.name}\`: ${argument.summary}`)]
      : []),
    ...(spec.options.length > 0 ? ['', ...renderOptions(spec.options)] : []),
    '',
    '```sh',
    ...spec.examples,
    '```',
  ];
}

function renderOptions(options: readonly OptionSpec[]): string[] {
  const rows = options.map((option) => {
    const choices = option.choices ? ` (${option.choices.join(', ')})` : '';
    const preset = option.default === undefined ? '' : `; default \`${option.default}\``;
    return `| \`${option.flags}\` | ${option.summary.replaceAll('|', '\\|')}${choices}${preset} |`;
  });
  return ['| Flag | |', '|---|---|', ...rows];
}
