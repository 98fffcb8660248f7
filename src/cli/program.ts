import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isAirlockError } from '../core/errors.ts';
import type { CommandSpec, OptionSpec } from './command.ts';
import { globalOptions } from './options.ts';

/** A parsed command line, or text to print at once. */
export type Parsed =
  | {
      readonly kind: 'run';
      readonly spec: CommandSpec;
      readonly args: readonly (string | readonly string[] | undefined)[];
      readonly flags: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'print'; readonly text: string; readonly exitCode: number; readonly toError: boolean };

/** Parses arguments (without `node` and script) by the command table; never prints and never exits. */
export async function parseCommandLine(
  argv: readonly string[],
  specs: readonly CommandSpec[],
  version: string,
): Promise<Parsed> {
  let chosen: Parsed | undefined;
  let output = '';
  let errors = '';
  const program = buildProgram(specs, version, (spec, args, flags) => {
    chosen = { kind: 'run', spec, args, flags };
  });
  forEachCommand(program, (command) => {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => {
        output += text;
      },
      writeErr: (text) => {
        errors += text;
      },
    });
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const good = error.exitCode === 0;
    return { kind: 'print', text: good ? output : errors || output, exitCode: good ? 0 : 2, toError: !good };
  }
  return chosen ?? { kind: 'print', text: program.helpInformation(), exitCode: 2, toError: true };
}

/** The commander program of the table. `choose` is called with the command that was asked for. */
export function buildProgram(
  specs: readonly CommandSpec[],
  version: string,
  choose: (
    spec: CommandSpec,
    args: readonly (string | readonly string[] | undefined)[],
    flags: Record<string, unknown>,
  ) => void,
): Command {
  const program = new Command('airlock')
    .description(
      'Carries OpenShift across an air gap: one bundle, the services of the bastion, every cluster object, and the proof.',
    )
    .version(version, '--version', 'print the version')
    .showHelpAfterError('(see airlock --help)')
    .helpOption('-h, --help', 'print help')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .helpCommand('help [command]', 'print help for a command');
  const groups = new Map<string, Command>();
  for (const spec of specs) {
    const words = spec.name.split(' ');
    const last = words.pop() ?? spec.name;
    let parent = program;
    if (words.length > 0) {
      const key = words.join(' ');
      parent = groups.get(key) ?? program.command(key).description(groupSummaries[key] ?? key);
      parent.showHelpAfterError(`(see airlock ${key} --help)`);
      groups.set(key, parent);
    }
    const command = parent
      .command(last)
      .summary(spec.summary)
      .description([spec.summary, spec.description].filter(Boolean).join('\n\n'))
      .showHelpAfterError(`(see airlock ${spec.name} --help)`);
    for (const argument of spec.arguments ?? []) command.argument(argument.name, argument.summary);
    for (const option of [...spec.options, ...globalOptions]) command.addOption(toOption(option));
    if (spec.examples.length > 0)
      command.addHelpText('after', `\nExamples:\n${spec.examples.map((example) => `  ${example}`).join('\n')}`);
    command.action((...values: unknown[]) => {
      const count = spec.arguments?.length ?? 0;
      choose(spec, values.slice(0, count) as (string | string[] | undefined)[], command.opts());
    });
  }
  return program;
}

const groupSummaries: Readonly<Record<string, string>> = {
  registry: 'the local registry on its own',
  certs: 'certificates on their own',
  dns: 'DNS zones on their own',
  web: 'the web server on its own',
  inventory: 'what the bastion holds',
  hosted: 'hosted clusters after the first day',
};

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.summary);
  if (spec.choices) option.choices(spec.choices);
  if (spec.default !== undefined) option.default(spec.default);
  // One prefix of our own for all flags; negated flags have no variable of their own.
  if (!option.negate) option.env(`AIRLOCK_${option.name().replaceAll('-', '_').toUpperCase()}`);
  if (spec.parse) {
    const { parse } = spec;
    option.argParser((text: string) => {
      try {
        return parse(text);
      } catch (error) {
        if (isAirlockError(error)) throw new InvalidArgumentError(error.message);
        throw error;
      }
    });
  }
  return option;
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}
