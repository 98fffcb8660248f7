/** Exit codes of design §2. */
export const exitCodes = {
  done: 0,
  no: 1,
  usage: 2,
  environment: 3,
  bug: 4,
  incomplete: 5,
  /** The terminal is gone: SIGHUP. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;
