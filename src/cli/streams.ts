import { findErrno } from '../core/errors.ts';

/** What became of the two streams that a run writes to. */
export interface GuardedStreams {
  /**
   * Waits until all that was given to standard output is out, or cannot be.
   * @returns why the result could not be written: a full disk, for example. A reader that went away (`| head`) had enough.
   */
  finish(): Promise<Error | undefined>;
}

/**
 * Keeps a run alive whose reader is gone. Node turns a failed write into an uncaught exception: `airlock build 2>&1 | head` or a closed terminal
 * would end a transfer of hours with a stack trace.
 */
export function guardStreams(out: NodeJS.WriteStream, talk: NodeJS.WriteStream): GuardedStreams {
  let problem: Error | undefined;
  const isGone = (error: Error): boolean =>
    findErrno(error) === 'EPIPE' || (findErrno(error) === 'EIO' && out.isTTY === true);
  const onError = (error: Error): void => {
    if (!isGone(error)) problem ??= error;
  };
  out.on('error', onError);
  // Nothing is lost with it that the result does not say too.
  talk.on('error', () => {});
  return {
    finish: () =>
      new Promise((resolve) => {
        if (out.destroyed || problem) resolve(problem);
        else
          out.write('', (error) => {
            if (error) onError(error);
            resolve(problem);
          });
      }),
  };
}
