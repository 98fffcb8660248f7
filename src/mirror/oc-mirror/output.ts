import type { Stage } from '../../core/events.ts';
import type { Run } from '../../core/run.ts';
import { type ImageType, imageTypes } from '../../plan/index.ts';
import { colours, fatalLine, panicLine, stampedLine, texts } from './dialect.ts';

/** An image that it could not copy. */
export interface FailedImage {
  /** Without transport. */
  readonly origin: string;
  /** undefined when it did not say. */
  readonly type: ImageType | undefined;
  readonly cause: string;
}

/** What was read out of its output. */
export interface ReadOutput {
  /** Origins of copied images, without transport. */
  readonly copied: ReadonlySet<string>;
  readonly failed: readonly FailedImage[];
  /** What it says at its end when it fails. */
  readonly finalError: string | undefined;
  /** Every line of level ERROR, the final one included. */
  readonly errors: readonly string[];
  /** First line of a Go panic. */
  readonly panic: string | undefined;
  readonly fatal: string | undefined;
  /** The last line that is no message: what a program says that ends before it can log. */
  readonly lastLine: string | undefined;
  readonly portBusy: boolean;
}

const knownTypes: ReadonlySet<string> = new Set(imageTypes);

interface Message {
  readonly level: string;
  text: string;
}

/**
 * Reads its output line by line, turns it into events and remembers what the result needs. Feed both streams; a line without a stamp
 * belongs to the message before it, so a message is only taken when the next one begins or at the end.
 */
export class OutputReader {
  readonly #run: Run;
  readonly #stage: Stage;
  readonly #copied = new Set<string>();
  readonly #failedTypes = new Map<string, ImageType>();
  readonly #causes = new Map<string, string>();
  readonly #errors: string[] = [];
  #finalError: string | undefined;
  #panic: string | undefined;
  #fatal: string | undefined;
  #lastLine: string | undefined;
  #open: Message | undefined;
  #total = 0;

  constructor(stage: Stage, run: Run) {
    this.#stage = stage;
    this.#run = run;
  }

  /** One line of either stream, colours and all. */
  push(line: string): void {
    const plain = line.replace(colours, '').replace(/\r$/, '');
    if (this.#panic !== undefined) return;
    const stamped = stampedLine.exec(plain);
    if (stamped) {
      this.#close();
      this.#open = { level: stamped[1] ?? '', text: stamped[2] ?? '' };
      // What is known from one line is told at once.
      if (stamped[1] !== 'ERROR') this.#close();
      return;
    }
    if (panicLine.test(plain)) {
      this.#close();
      this.#panic = plain;
      return;
    }
    if (plain.trim() !== '') this.#lastLine = plain.trim();
    const fatal = fatalLine.exec(plain)?.[1];
    if (fatal !== undefined) this.#fatal = fatal;
    else if (this.#open) this.#open.text += `\n${plain}`;
  }

  /** Lines of its errors file: they hold what the output may have lost. */
  pushErrorsFile(text: string): void {
    for (const line of text.split('\n')) this.#takeImageError(line);
  }

  end(): ReadOutput {
    this.#close();
    const origins = new Set([...this.#causes.keys(), ...this.#failedTypes.keys()]);
    return {
      copied: this.#copied,
      failed: [...origins].sort().map((origin) => ({
        origin,
        type: this.#failedTypes.get(origin),
        cause: this.#causes.get(origin) ?? 'oc-mirror gave no reason',
      })),
      finalError: this.#finalError,
      errors: this.#errors,
      panic: this.#panic,
      fatal: this.#fatal,
      lastLine: this.#lastLine,
      portBusy: this.#errors.some((text) => texts.portBusy.test(text)),
    };
  }

  #close(): void {
    const message = this.#open;
    this.#open = undefined;
    if (!message) return;
    const text = message.text.trim();
    if (message.level === 'ERROR') this.#takeError(text);
    else if (message.level === 'WARN') this.#log('warning', text);
    else this.#takeInfo(text);
  }

  #takeInfo(text: string): void {
    const stage = this.#stage;
    const total = texts.total.exec(text)?.[1];
    const copied = texts.copied.exec(text)?.[1];
    if (total !== undefined) {
      this.#total = Number(total);
      // It never says how many bytes: the cache is watched for those.
      this.#run.report({ stage, state: 'total', totalBytes: 0, totalItems: this.#total, doneBytes: 0, doneItems: 0 });
    } else if (copied !== undefined) {
      this.#copied.add(copied);
      this.#run.report({ stage, subject: copied, state: 'finished' });
    } else if (texts.collecting.test(text) || texts.rebuilding.test(text) || texts.archiving.test(text))
      this.#log('info', text.replace(/^[^A-Za-z]+/, ''));
    else this.#log('debug', text);
  }

  #takeError(text: string): void {
    this.#errors.push(text);
    const failed = texts.failed.exec(text);
    const [, type, origin] = failed ?? [];
    if (type !== undefined && origin !== undefined) {
      if (knownTypes.has(type)) this.#failedTypes.set(origin, type as ImageType);
      this.#run.report({ stage: this.#stage, subject: origin, state: 'failed' });
      return;
    }
    const final = texts.final.exec(text)?.[1];
    if (final !== undefined) this.#finalError = final;
    // The files that it points to are moved, and the images that failed are in the result.
    if (!this.#takeImageError(text)) this.#log(texts.someFailed.test(text) ? 'debug' : 'error', text);
  }

  #takeImageError(line: string): boolean {
    const [, origin, cause] = texts.imageError.exec(line.trim()) ?? [];
    if (origin === undefined || cause === undefined) return false;
    if (!this.#causes.has(origin)) this.#causes.set(origin, cause);
    return true;
  }

  #log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void {
    this.#run.report({ stage: this.#stage, state: 'log', level, message: `oc-mirror: ${text}` });
  }
}
