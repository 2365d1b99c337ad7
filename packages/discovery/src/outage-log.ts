import type { Log } from './log.ts';

/** Logs once that something stopped working, and once that it works again, regardless of the attempts in between. */
export interface OutageLog {
  failed(reason: string): void;
  recovered(): void;
}

export function createOutageLog(
  logger: Log,
  messages: { lost: string; restored: string },
  about: Readonly<Record<string, string>> = {},
): OutageLog {
  let isLost = false;
  return {
    failed(reason) {
      if (!isLost) logger.warn({ ...about, reason }, messages.lost);
      isLost = true;
    },
    recovered() {
      if (isLost) logger.info(about, messages.restored);
      isLost = false;
    },
  };
}
