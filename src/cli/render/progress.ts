import type { RunEvent, WorkEvent } from '../../core/events.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';

/** Adds events up to what people want to know of a stage. */
export class ProgressModel {
  stage = '';
  totalBytes = 0;
  totalItems = 0;
  doneBytes = 0;
  doneItems = 0;
  /** Bytes done when the stage began to count: what a resumed run finds does not count for the rate. */
  baseBytes = 0;
  startedMs = 0;
  readonly active = new Map<string, WorkEvent>();

  apply(event: RunEvent, nowMs: number): void {
    if (event.state === 'log') return;
    if (event.stage !== this.stage) this.#begin(event.stage, nowMs);
    if (event.state === 'total') {
      this.totalBytes = event.totalBytes;
      this.totalItems = event.totalItems;
      this.doneBytes = event.doneBytes;
      this.doneItems = event.doneItems;
      this.baseBytes = event.doneBytes;
      return;
    }
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

  rateBytes(nowMs: number): number {
    const seconds = (nowMs - this.startedMs) / 1000;
    return seconds > 0.2 ? (this.doneBytes - this.baseBytes) / seconds : 0;
  }

  /** `build: 1.20 GiB of 3.40 GiB (35 %), 12 of 40 items, 85 MiB/s, 26 s left` */
  line(nowMs: number): string {
    const parts: string[] = [];
    const rate = this.rateBytes(nowMs);
    if (this.totalBytes > 0) {
      const percent = Math.min(100, Math.floor((this.doneBytes / this.totalBytes) * 100));
      parts.push(`${formatBytes(this.doneBytes)} of ${formatBytes(this.totalBytes)} (${percent} %)`);
    } else if (this.doneBytes > 0) parts.push(formatBytes(this.doneBytes));
    if (this.totalItems > 0) parts.push(`${this.doneItems} of ${this.totalItems} items`);
    else if (this.doneItems > 0) parts.push(`${this.doneItems} items`);
    if (rate > 0) parts.push(`${formatBytes(rate)}/s`);
    const leftMs = rate > 0 ? ((this.totalBytes - this.doneBytes) / rate) * 1000 : 0;
    if (leftMs > 1000 && this.totalBytes > this.doneBytes) parts.push(`${formatDuration(leftMs)} left`);
    return `${this.stage}: ${parts.join(', ') || 'under way'}`;
  }

  #begin(stage: string, nowMs: number): void {
    this.stage = stage;
    this.startedMs = nowMs;
    this.totalBytes = 0;
    this.totalItems = 0;
    this.doneBytes = 0;
    this.doneItems = 0;
    this.baseBytes = 0;
    this.active.clear();
  }
}

const barCells = 24;

/** A live view: one line for the stage, one for each of the largest transfers under way. */
export function renderBars(model: ProgressModel, columns: number, nowMs: number): string[] {
  const share = model.totalBytes > 0 ? Math.min(1, model.doneBytes / model.totalBytes) : 0;
  const head = `${bar(share)} ${model.line(nowMs)}`;
  const shown = [...model.active.values()].sort((a, b) => (b.totalBytes ?? 0) - (a.totalBytes ?? 0)).slice(0, 6);
  const lines = shown.map((event) => {
    const part = event.totalBytes ? bar((event.doneBytes ?? 0) / event.totalBytes) : ' '.repeat(barCells + 2);
    const size = event.totalBytes ? ` ${formatBytes(event.doneBytes ?? 0)} of ${formatBytes(event.totalBytes)}` : '';
    return `${part} ${shorten(event.subject, 40)}${size}${event.message ? ` ${event.message}` : ''}`;
  });
  return [head, ...lines].map((line) => line.slice(0, Math.max(20, columns - 1)));
}

function bar(share: number): string {
  const full = Math.round(Math.max(0, Math.min(1, share)) * barCells);
  return `[${'#'.repeat(full)}${'.'.repeat(barCells - full)}]`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `…${text.slice(-(length - 1))}`;
}
