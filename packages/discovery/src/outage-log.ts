import type { Log } from './log.ts';

/** Says once that something stopped to work, and once that it works again, however often it is tried in between. */
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
