import type { Log } from './log.ts';

/** Says once that something stopped to work, and once that it works again, however often it is tried in between. */
export interface OutageLog {
  failed(reason: string): void;
  worked(): void;
}

export function createOutageLog(
  logger: Log,
  messages: { gone: string; back: string },
  about: Readonly<Record<string, string>> = {},
): OutageLog {
  let gone = false;
  return {
    failed(reason) {
      if (!gone) logger.warn({ ...about, reason }, messages.gone);
      gone = true;
    },
    worked() {
      if (gone) logger.info(about, messages.back);
      gone = false;
    },
  };
}
