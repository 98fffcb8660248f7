import type { Run } from '../core/run.ts';

/** A flag as the command table holds it. Every flag can also be given as `AIRLOCK_<NAME>` in the environment. */
export interface OptionSpec {
  /** commander's form: `-c, --config <file>`, `--no-rhcos`, `--rhcos [arch,…]`. */
  readonly flags: string;
  readonly summary: string;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
  /** Turns text into the value; throws an AirlockError when it cannot. */
  readonly parse?: (text: string) => unknown;
}

export interface ArgumentSpec {
  /** commander's form: `<bundle>`, `[dir]`, `<file…>` is written `<file...>`. */
  readonly name: string;
  readonly summary: string;
}

/** What a command gets: its arguments, its flags by camel-case name, the world around it, and the run. */
export interface Invocation {
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly flags: Flags;
  readonly world: World;
  readonly run: Run;
}

/** The process as the edge sees it; everything below gets values taken from here. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeFolder: string;
  readonly isTerminal: boolean;
  readonly uid: number | undefined;
  /** Program and script that run this tool. */
  readonly selfCommand: readonly string[];
  /** Asks on the terminal; default no. Only where `isTerminal`. */
  readonly ask: (question: string) => Promise<boolean>;
  /** Writes a line of data to standard output at once: for services that say that they are ready. */
  readonly say: (line: string) => void;
}

/** How a command ended. */
export interface Outcome {
  readonly exitCode: number;
  /** The result as data, printed for `-o json|yaml`. */
  readonly result: unknown;
  /** The same for people, printed otherwise. */
  readonly text: string;
}

/** A command is data; its module is loaded when it is run. */
export interface CommandSpec {
  /** Words after `airlock`: `build`, `registry serve`. */
  readonly name: string;
  readonly summary: string;
  /** Paragraphs for `--help` and docs/cli.md. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** What to say after an interruption; default: run the same command again. */
  readonly resumeHint?: string;
  readonly load: () => Promise<(invocation: Invocation) => Promise<Outcome>>;
}

/** Typed access to flags: what commander gives is checked once here and not at each use. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>;
  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }
  number(name: string): number | undefined {
    const value = this.#values[name];
    return typeof value === 'number' ? value : undefined;
  }
  /** `undefined` flags count as false. */
  on(name: string): boolean {
    return this.#values[name] === true;
  }
  /** Three-valued: undefined when the flag was not given. */
  boolean(name: string): boolean | undefined {
    const value = this.#values[name];
    return typeof value === 'boolean' ? value : undefined;
  }
  list(name: string): readonly string[] | undefined {
    const value = this.#values[name];
    if (Array.isArray(value)) return value.map(String);
    return typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean)
      : undefined;
  }
  raw(name: string): unknown {
    return this.#values[name];
  }
}

/** The i-th single argument, undefined when left out. */
export function argument(invocation: Invocation, at: number): string | undefined {
  const value = invocation.args[at];
  return typeof value === 'string' ? value : undefined;
}

/** A variadic argument as a list. */
export function argumentList(invocation: Invocation, at: number): readonly string[] {
  const value = invocation.args[at];
  return Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
}
