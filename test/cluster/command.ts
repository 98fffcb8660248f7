import { Flags, type Outcome } from '../../src/cli/command.ts';
import { commandTable } from '../../src/cli/commands/table.ts';
import { exitCodeOf } from '../../src/cli/error-codes.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { quietRun } from '../../src/core/run.ts';

/** How a command ended: its outcome or its error, with the exit code of either, and every question and event on the way. */
export interface CommandEnding {
  readonly exitCode: number;
  readonly outcome?: Outcome;
  readonly error?: unknown;
  readonly asked: readonly string[];
  readonly events: readonly RunEvent[];
}

/** The world of a command: `answers` in turn makes it a terminal, without them there is none to ask on. */
export interface CommandWorld {
  readonly cwd: string;
  readonly answers?: readonly boolean[];
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

/** Runs one command line by the command table, inside this process: questions can be answered. */
export async function runCommand(argv: readonly string[], world: CommandWorld): Promise<CommandEnding> {
  const asked: string[] = [];
  const events: RunEvent[] = [];
  const parsed = await parseCommandLine(argv, commandTable, 'test');
  if (parsed.kind === 'print') return { exitCode: parsed.exitCode, error: new Error(parsed.text), asked, events };
  const answers = [...(world.answers ?? [])];
  const run = quietRun({
    ...(world.signal ? { signal: world.signal } : {}),
    report(event) {
      events.push(event);
      world.onEvent?.(event);
    },
  });
  try {
    const execute = await parsed.spec.load();
    const outcome = await execute({
      args: parsed.args,
      flags: new Flags(parsed.flags),
      run,
      world: {
        env: world.env ?? {},
        cwd: world.cwd,
        homeFolder: world.cwd,
        isTerminal: world.answers !== undefined,
        uid: 0,
        selfCommand: [],
        say: () => {},
        async ask(question) {
          asked.push(question);
          return answers.shift() ?? false;
        },
      },
    });
    return { exitCode: outcome.exitCode, outcome, asked, events };
  } catch (error) {
    return { exitCode: exitCodeOf(error), error, asked, events };
  }
}
