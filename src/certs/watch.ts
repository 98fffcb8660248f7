import { errorText, isAirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { assertKeyMatches } from './chain.ts';

/**
 * Looks at a certificate and its key every `intervalMs` (default 2000) and calls `onChange` with a new pair, so that a renewal by another
 * process reaches a running service without a restart. A pair that is half written, does not belong together or cannot be read is left for
 * the next look. Returns what stops it; an aborted run stops it too.
 */
export function watchServerFiles(
  files: { readonly certificateFile: string; readonly keyFile: string; readonly intervalMs?: number },
  current: { readonly certificatePem: string; readonly keyPem: string },
  onChange: (certificatePem: string, keyPem: string) => void,
  run: Run,
): () => void {
  let seen = current;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const certificatePem = (await findFile(files.certificateFile, run))?.toString();
    const keyPem = (await findFile(files.keyFile, run))?.toString();
    if (stopped || certificatePem === undefined || keyPem === undefined) return;
    if (certificatePem === seen.certificatePem && keyPem === seen.keyPem) return;
    assertKeyMatches(certificatePem, keyPem);
    onChange(certificatePem, keyPem);
    seen = { certificatePem, keyPem };
  };
  const next = (): void => {
    // Polling and not inotify: the files are replaced by rename, and may lie on a file system that tells nothing.
    timer = setTimeout(
      () =>
        void look()
          .catch(complain)
          .then(() => stopped || next()),
      files.intervalMs ?? 2000,
    ).unref();
  };
  const complain = (error: unknown): void => {
    // Between the two renames of a renewal the pair does not fit; the next look finds it whole.
    if (isAirlockError(error, 'KEY_MISMATCH', 'KEY_INVALID', 'CERTIFICATE_INVALID')) return;
    run.report({
      stage: 'serve',
      state: 'log',
      level: 'warning',
      message: `${files.certificateFile}: ${errorText(error)}`,
    });
  };
  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
    run.signal.removeEventListener('abort', stop);
  };
  run.signal.addEventListener('abort', stop, { once: true });
  next();
  return stop;
}
