import { errorText } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';

/**
 * Looks at files and folders every `intervalMs` (by time, size and entries) and calls `onChange` when one changed. A change that could not
 * be taken over is reported once and tried again at each look. Returns what stops it.
 */
export function watchFiles(
  files: readonly string[],
  onChange: () => Promise<void>,
  run: Run,
  intervalMs = 2000,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let seen: string | undefined;
  let complained = '';
  const look = async (): Promise<void> => {
    const marks = await Promise.all(files.map((file) => run.disk.stat(file)));
    const now = marks.map((mark) => `${mark?.modifiedAt.getTime()}:${mark?.sizeBytes}`).join(' ');
    if (stopped || now === seen) return;
    if (seen !== undefined) await onChange();
    seen = now;
    complained = '';
  };
  const complain = (error: unknown): void => {
    const message = `a change was not taken over: ${errorText(error)}`;
    if (message === complained || stopped) return;
    complained = message;
    run.report({ stage: 'serve', state: 'log', level: 'warning', message });
  };
  // One look after the other: a slow disk must not pile them up.
  const next = (): void => {
    if (!stopped) timer = setTimeout(() => void look().catch(complain).then(next), intervalMs);
  };
  void look().catch(complain).then(next);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
