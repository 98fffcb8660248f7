import type { RunEvent, WorkEvent } from '../../core/events.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';

/** Adds events up to what people want to know of a stage. */
export class ProgressModel {
  stage = '';
  totalBytes = 0;
  totalItems = 0;
  doneBytes = 0;
  doneItems = 0;
  /** When bytes last moved, or the stage began. */
  movedMs = 0;
  /** How far the stage was at times of the last half minute, oldest first: the rate is that of now and not of the whole run. */
  #samples: { readonly ms: number; readonly bytes: number }[] = [];
  readonly active = new Map<string, WorkEvent>();

  apply(event: RunEvent, nowMs: number): void {
    if (event.state === 'log') return;
    if (event.stage !== this.stage) this.#begin(event.stage, nowMs);
    if (event.state === 'total') {
      this.totalBytes = event.totalBytes;
      this.totalItems = event.totalItems;
      this.doneBytes = event.doneBytes;
      this.doneItems = event.doneItems;
      // What was there already, or was counted anew, is no rate.
      this.active.clear();
      this.#samples = [{ ms: nowMs, bytes: event.doneBytes }];
      return;
    }
    const beforeBytes = this.doneBytes;
    this.#work(event);
    if (this.doneBytes !== beforeBytes) this.movedMs = nowMs;
    this.#sample(nowMs);
  }

  #work(event: WorkEvent): void {
    const before = this.active.get(event.subject)?.doneBytes ?? 0;
    if (event.state === 'started' || event.state === 'active' || event.state === 'retrying') {
      this.doneBytes += (event.doneBytes ?? before) - before;
      this.active.set(event.subject, { ...event, doneBytes: event.doneBytes ?? before });
      return;
    }
    this.active.delete(event.subject);
    if (event.state === 'failed') this.doneBytes -= before;
    else this.doneBytes += (event.totalBytes ?? event.doneBytes ?? before) - before;
    if (event.state === 'finished' || event.state === 'skipped') this.doneItems += 1;
  }

  /** Something was begun or announced that is not finished. */
  get isUnderWay(): boolean {
    return this.active.size > 0 || this.doneBytes < this.totalBytes || this.doneItems < this.totalItems;
  }

  /** Bytes a second over the last half minute. */
  rateBytes(nowMs: number): number {
    const [first] = this.#samples;
    const seconds = (nowMs - (first?.ms ?? nowMs)) / 1000;
    return first && seconds > 0.2 ? Math.max(0, (this.doneBytes - first.bytes) / seconds) : 0;
  }

  #sample(nowMs: number): void {
    const last = this.#samples.at(-1);
    if (last && nowMs - last.ms < 1000) return;
    this.#samples.push({ ms: nowMs, bytes: this.doneBytes });
    // One that is older than the window stays as its beginning.
    while ((this.#samples[1]?.ms ?? nowMs) <= nowMs - windowMs) this.#samples.shift();
  }

  /** `build: 1.20 GiB of 3.40 GiB (35 %), 12 of 40 items, 85 MiB/s, 26 s left`; `nothing moved for 1 m 10 s` instead of the rate. */
  line(nowMs: number): string {
    const parts: string[] = [];
    const rate = this.rateBytes(nowMs);
    if (this.totalBytes > 0) {
      const percent = Math.min(100, Math.floor((this.doneBytes / this.totalBytes) * 100));
      parts.push(`${formatBytes(this.doneBytes)} of ${formatBytes(this.totalBytes)} (${percent} %)`);
    } else if (this.doneBytes > 0) parts.push(formatBytes(this.doneBytes));
    if (this.totalItems > 0) parts.push(`${this.doneItems} of ${this.totalItems} items`);
    else if (this.doneItems > 0) parts.push(`${this.doneItems} items`);
    const stillMs = nowMs - this.movedMs;
    if (this.totalBytes > this.doneBytes && stillMs >= stillLimitMs) {
      parts.push(`nothing moved for ${formatDuration(stillMs)}`);
      return `${this.stage}: ${parts.join(', ')}`;
    }
    if (rate > 0) parts.push(`${formatBytes(rate)}/s`);
    const leftMs = rate > 0 ? ((this.totalBytes - this.doneBytes) / rate) * 1000 : 0;
    if (leftMs > 1000 && this.totalBytes > this.doneBytes) parts.push(`${formatDuration(leftMs)} left`);
    return `${this.stage}: ${parts.join(', ') || 'under way'}`;
  }

  #begin(stage: string, nowMs: number): void {
    this.stage = stage;
    this.movedMs = nowMs;
    this.#samples = [{ ms: nowMs, bytes: 0 }];
    this.totalBytes = 0;
    this.totalItems = 0;
    this.doneBytes = 0;
    this.doneItems = 0;
    this.active.clear();
  }
}

/** Milliseconds that the rate looks back, and after which a stage that does not move says so. */
const windowMs = 30_000;
const stillLimitMs = 15_000;

const barCells = 24;
const fewCells = 4;

/** A live view: one line for the stage, one for each of the largest transfers under way. */
export function renderBars(model: ProgressModel, columns: number, nowMs: number): string[] {
  const share = model.totalBytes > 0 ? Math.min(1, model.doneBytes / model.totalBytes) : 0;
  const text = model.line(nowMs);
  // What is left stands at the end of the line: the bar gives way to it.
  const cells = Math.min(barCells, columns - 1 - text.length - 3);
  const head = cells < fewCells ? text : `${bar(share, cells)} ${text}`;
  const shown = [...model.active.values()].sort((a, b) => (b.totalBytes ?? 0) - (a.totalBytes ?? 0)).slice(0, 6);
  const lines = shown.map((event) => {
    const part = event.totalBytes ? bar((event.doneBytes ?? 0) / event.totalBytes) : ' '.repeat(barCells + 2);
    const size = event.totalBytes ? ` ${formatBytes(event.doneBytes ?? 0)} of ${formatBytes(event.totalBytes)}` : '';
    return `${part} ${shorten(event.subject, 40)}${size}${event.message ? ` ${event.message}` : ''}`;
  });
  return [head, ...lines].map((line) => line.slice(0, Math.max(20, columns - 1)));
}

function bar(share: number, cells = barCells): string {
  const full = Math.round(Math.max(0, Math.min(1, share)) * cells);
  return `[${'#'.repeat(full)}${'.'.repeat(cells - full)}]`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `…${text.slice(-(length - 1))}`;
}
