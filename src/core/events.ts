/** The stages of the journey, as they stand in events and results. */
export type Stage =
  | 'plan'
  | 'build'
  | 'verify'
  | 'load'
  | 'mirror'
  | 'serve'
  | 'emit'
  | 'apply'
  | 'check'
  | 'prune'
  | 'backup';

/** What happens to one subject. `doneBytes`/`totalBytes` count the subject's own bytes. */
export interface WorkEvent {
  readonly stage: Stage;
  /** What it is about: a blob digest, a reference, a file path, or a stage-wide word such as `volumes`. */
  readonly subject: string;
  readonly state: 'started' | 'active' | 'retrying' | 'skipped' | 'finished' | 'failed';
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  /** A short lower-case sentence for people: why it is retried or skipped, or what is going on. */
  readonly message?: string;
}

/** What a whole stage is about to move; sent once the size is known, and again when it changes. */
export interface TotalEvent {
  readonly stage: Stage;
  readonly state: 'total';
  readonly totalBytes: number;
  readonly totalItems: number;
  /** What was there already (resumed or carried before). */
  readonly doneBytes: number;
  readonly doneItems: number;
}

/** Something a person should read: `message` starts lower-case and names the thing. */
export interface LogEvent {
  readonly stage: Stage;
  readonly state: 'log';
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly message: string;
}

export type RunEvent = WorkEvent | TotalEvent | LogEvent;
export type Report = (event: RunEvent) => void;
