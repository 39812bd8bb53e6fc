/** What the command's exit code says. */
export const exitCodes = {
  complete: 0,
  /** Something failed, or the input is wrong; the message says what. */
  failed: 1,
  /** A flag or argument is wrong. */
  usage: 2,
  /** Units remain that another process works on. */
  incomplete: 3,
  /** Stopped by Ctrl-C or SIGTERM; the same command goes on. */
  stopped: 130,
} as const
