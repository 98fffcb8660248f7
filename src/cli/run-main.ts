import { setMaxListeners } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { nodeDisk } from '../core/disk.ts';
import { AirlockError, errorText, isAirlockError } from '../core/errors.ts';
import type { Report } from '../core/events.ts';
import { diskError } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { toolVersion } from '../core/version.ts';
import { renderYaml } from '../core/yaml.ts';
import { Flags, type Outcome, type World } from './command.ts';
import { commandTable } from './commands/table.ts';
import { exitCodes } from './exit-codes.ts';
import { withFlagHint } from './flag-hint.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { type Parsed, parseCommandLine } from './program.ts';
import { createReporter, type Reporter } from './render/reporter.ts';
import { findSelfCommand } from './self-command.ts';
import { guardStreams } from './streams.ts';

/** How long work may take to end after the first Ctrl-C before the process goes anyway. */
const graceMs = 800;

/** Parses, runs one command, prints what it returns, and gives the exit code. The only place that knows the process. */
export async function runMain(argv: readonly string[]): Promise<number> {
  const streams = guardStreams(process.stdout, process.stderr);
  const exitCode = await parseAndRun(argv);
  const problem = await streams.finish();
  if (!problem) return exitCode;
  process.stderr.write(`error: the result cannot be written to standard output: ${errorText(problem)}\n`);
  return exitCode === exitCodes.done ? exitCodes.environment : exitCode;
}

async function parseAndRun(argv: readonly string[]): Promise<number> {
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
  let log: LogFile | undefined;
  let exitCode: number = exitCodes.bug;
  const stop = watchSignals(parsed, reporter, (text) => log?.line(text));
  try {
    log = openLog(argv, flags);
    const report: Report = (event) => {
      reporter.report(event);
      log?.event(event);
    };
    const execute = await parsed.spec.load();
    const run = { signal: stop.signal, report, now: () => new Date(), disk: nodeDisk };
    const outcome = await execute({ args: parsed.args, flags, world: openWorld(reporter), run });
    reporter.close();
    printOutcome(outcome, flags);
    if (outcome.text) log?.line(outcome.text);
    exitCode = stop.signal.aborted ? stop.exitCode() : outcome.exitCode;
  } catch (error) {
    reporter.close();
    if (stop.signal.aborted) {
      if (flags.text('output') === 'json') printErrorDocument(new AirlockError('CANCELLED', 'interrupted'));
      exitCode = stop.exitCode();
    } else {
      const told = withFlagHint(asExpected(error), parsed.flags, process.cwd());
      exitCode = await printError(told, flags, reporter);
      log?.line(describeError(told));
    }
  } finally {
    stop.close();
    log?.line(`ended with exit ${exitCode}`);
    log?.close();
  }
  if (log && exitCode !== exitCodes.done) reporter.line(`log: ${flags.text('logFile')}`);
  return exitCode;
}

/** `--log-file`: opened before anything else, so that a run of hours does not find out at its end that it has none. @throws as `openLogFile` */
function openLog(argv: readonly string[], flags: Flags): LogFile | undefined {
  const file = flags.text('logFile');
  if (file === undefined) return undefined;
  const log = openLogFile(path.resolve(file), () => new Date());
  log.line(`airlock ${toolVersion} on Node.js ${process.versions.node}, process ${process.pid}: ${argv.join(' ')}`);
  return log;
}

function openWorld(reporter: Reporter): World {
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return {
    env: process.env,
    cwd: process.cwd(),
    homeFolder: os.homedir(),
    isTerminal,
    uid: process.getuid?.(),
    selfCommand: findSelfCommand(process.argv[1]),
    async ask(question) {
      if (!isTerminal) return false;
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      reporter.hold(true);
      try {
        return /^y(?:es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
      } finally {
        prompt.close();
        reporter.hold(false);
      }
    },
    say: (line) => void process.stdout.write(`${line}\n`),
  };
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
function watchSignals(parsed: Extract<Parsed, { kind: 'run' }>, reporter: Reporter, writeLog: (text: string) => void) {
  const controller = new AbortController();
  // One signal for everything that runs at once; Node takes more than ten listeners for a leak and says so on standard error.
  setMaxListeners(0, controller.signal);
  let exitCode: number = exitCodes.interrupted;
  const hint = parsed.spec.resumeHint ?? 'run the same command again: it continues where it stopped';
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCode);
    exitCode = signalCodes[signal] ?? exitCodes.interrupted;
    controller.abort(new AirlockError('CANCELLED', 'interrupted'));
    reporter.close();
    reporter.line(`interrupted; ${hint}`);
    writeLog(`${signal}: interrupted; ${hint}`);
    // Not unref'ed away by pending work: whatever hangs must not hold the user's terminal.
    setTimeout(() => process.exit(exitCode), graceMs).unref();
  };
  // Node takes back that nohup lets a program ignore SIGHUP. What nohup started has no terminal on any stream, so what is closed is not ours.
  const onHangup = (signal: NodeJS.Signals): void => {
    if (process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY) onSignal(signal);
    else writeLog('SIGHUP: the run goes on, since no stream of it is a terminal');
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangup);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    // Once interrupted they stay, so that a second signal while the process winds up does not change how it ends.
    close: () =>
      void (
        controller.signal.aborted || process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onHangup)
      ),
  };
}

const signalCodes: Readonly<Record<string, number>> = {
  SIGHUP: exitCodes.hungUp,
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
};

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

/** For the log: with what stood behind an expected error, and where a bug is. */
function describeError(error: unknown): string {
  if (!isAirlockError(error)) return `bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  const lines = [`error ${error.code}: ${error.message}`, ...(error.hint ? [`  ${error.hint}`] : [])];
  for (let at = error.cause, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1)
    lines.push(`  caused by ${errorText(at)}`);
  return lines.join('\n');
}

function printErrorDocument(error: unknown): void {
  const known = isAirlockError(error) ? { code: error.code, hint: error.hint, ...error.details } : { code: 'BUG' };
  process.stdout.write(prettyJson({ error: { ...known, message: errorText(error) } }));
}
