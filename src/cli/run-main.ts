import { setMaxListeners } from 'node:events';
import os from 'node:os';
import { createInterface } from 'node:readline/promises';
import { nodeDisk } from '../core/disk.ts';
import { AirlockError, errorText, isAirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { toolVersion } from '../core/version.ts';
import { renderYaml } from '../core/yaml.ts';
import { Flags, type Outcome, type World } from './command.ts';
import { commandTable } from './commands/table.ts';
import { exitCodes } from './exit-codes.ts';
import { type Parsed, parseCommandLine } from './program.ts';
import { createReporter, type Reporter } from './render/reporter.ts';

/** How long work may take to end after the first Ctrl-C before the process goes anyway. */
const graceMs = 800;

/** Parses, runs one command, prints what it returns, and gives the exit code. The only place that knows the process. */
export async function runMain(argv: readonly string[]): Promise<number> {
  const parsed = await parseCommandLine(argv, commandTable, toolVersion);
  if (parsed.kind === 'print') {
    (parsed.toError ? process.stderr : process.stdout).write(parsed.text);
    // The flags are not known where parsing failed; whoever asked for a document gets one all the same.
    if (parsed.toError && /(?:^| )(?:-o|--output)[ =]?json(?: |$)/.test(argv.join(' ')))
      printErrorDocument(new AirlockError('USAGE', parsed.text.trim()));
    return parsed.exitCode;
  }
  const flags = new Flags(parsed.flags);
  const reporter = openReporter(flags);
  const stop = watchSignals(parsed, reporter);
  try {
    const execute = await parsed.spec.load();
    const run = { signal: stop.signal, report: reporter.report, now: () => new Date(), disk: nodeDisk };
    const outcome = await execute({ args: parsed.args, flags, world: openWorld(), run });
    reporter.close();
    printOutcome(outcome, flags);
    return stop.signal.aborted ? stop.exitCode() : outcome.exitCode;
  } catch (error) {
    reporter.close();
    if (!stop.signal.aborted) return await printError(asExpected(error), flags, reporter);
    if (flags.text('output') === 'json') printErrorDocument(new AirlockError('CANCELLED', 'interrupted'));
    return stop.exitCode();
  } finally {
    stop.close();
  }
}

function openWorld(): World {
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return {
    env: process.env,
    cwd: process.cwd(),
    homeFolder: os.homedir(),
    isTerminal,
    uid: process.getuid?.(),
    selfCommand: selfCommand(),
    async ask(question) {
      if (!isTerminal) return false;
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^y(?:es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
      } finally {
        prompt.close();
      }
    },
    say: (line) => void process.stdout.write(`${line}\n`),
  };
}

/** What starts this tool again: the packaged executable alone, else Node with the script. */
function selfCommand(): string[] {
  const script = process.argv[1];
  // Node gives a single executable its own path in the place of a script.
  const isPackaged = script === undefined || script === process.execPath || isSingleExecutable();
  return isPackaged ? [process.execPath] : [process.execPath, script];
}

function isSingleExecutable(): boolean {
  // Not there before Node 20.16, which no package is made with.
  const sea = process.getBuiltinModule?.('node:sea') as { isSea?: () => boolean } | undefined;
  return sea?.isSea?.() === true;
}

function openReporter(flags: Flags): Reporter {
  const env = process.env;
  const isTerminal = process.stderr.isTTY === true && env['TERM'] !== 'dumb' && !env['CI'];
  const level = flags.on('verbose') ? 'debug' : flags.text('logLevel');
  return createReporter({
    format: flags.text('logFormat') === 'json' ? 'json' : 'console',
    level: level === 'error' || level === 'warn' || level === 'debug' ? level : 'info',
    progress: flags.boolean('progress') !== false,
    isTerminal,
    color: isTerminal && flags.boolean('color') !== false && !env['NO_COLOR'],
    columns: () => process.stderr.columns || 80,
    write: (text) => void process.stderr.write(text),
    nowMs: () => Date.now(),
  });
}

/** First signal: abort, say how to go on, and end within a second. Second: end at once. */
function watchSignals(parsed: Extract<Parsed, { kind: 'run' }>, reporter: Reporter) {
  const controller = new AbortController();
  // One signal for everything that runs at once; Node takes more than ten listeners for a leak and says so on standard error.
  setMaxListeners(0, controller.signal);
  let exitCode: number = exitCodes.interrupted;
  const hint = parsed.spec.resumeHint ?? 'run the same command again: it continues where it stopped';
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCode);
    exitCode = signal === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
    controller.abort(new AirlockError('CANCELLED', 'interrupted'));
    reporter.close();
    reporter.line(`interrupted; ${hint}`);
    // Not unref'ed away by pending work: whatever hangs must not hold the user's terminal.
    setTimeout(() => process.exit(exitCode), graceMs).unref();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    // Once interrupted they stay, so that a second signal while the process winds up does not change how it ends.
    close: () => void (controller.signal.aborted || process.off('SIGINT', onSignal).off('SIGTERM', onSignal)),
  };
}

function printOutcome(outcome: Outcome, flags: Flags): void {
  const format = flags.text('output');
  if (format === 'json') process.stdout.write(prettyJson(outcome.result ?? {}));
  else if (format === 'yaml') process.stdout.write(renderYaml(JSON.parse(JSON.stringify(outcome.result ?? {}))));
  else if (outcome.text) process.stdout.write(outcome.text.endsWith('\n') ? outcome.text : `${outcome.text}\n`);
}

/** A system error on a file that nobody below put into words: no access, no space, a broken disk. */
function asExpected(error: unknown): unknown {
  const isSystem = error instanceof Error && 'syscall' in error && 'path' in error && typeof error.path === 'string';
  return isSystem && !isAirlockError(error) ? diskError(error, String(error.path), 'write') : error;
}

/** An expected error is one message and its next step; a bug shows its stack. `-o json` gets the error as its one document. */
async function printError(error: unknown, flags: Flags, reporter: Reporter): Promise<number> {
  // The codes are those of every folder; a command that goes well need not load them all.
  const { exitCodeOf } = await import('./error-codes.ts');
  const exitCode = exitCodeOf(error);
  if (isAirlockError(error) && exitCode !== exitCodes.bug) reporter.fail(error.message, error.hint);
  else
    reporter.fail(
      `this is a bug in airlock: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  if (flags.text('output') === 'json') printErrorDocument(error);
  return exitCode;
}

function printErrorDocument(error: unknown): void {
  const known = isAirlockError(error) ? { code: error.code, hint: error.hint, ...error.details } : { code: 'BUG' };
  process.stdout.write(prettyJson({ error: { ...known, message: errorText(error) } }));
}
