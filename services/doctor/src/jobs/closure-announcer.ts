/** Announces closures to every doctor's consumers in the background, in small steps. */
import { createLoop } from '@daybook/async';
import { DatabaseUnavailable } from '@daybook/database';
import type { Logger } from '@daybook/service';
import type { ClosureAnnouncements } from '../store/closure-announcements.ts';

/** Poll interval for closures whose instance ended before it announced them. A change of this process is immediate. */
const INTERVAL_MILLIS = 5_000;

export interface ClosureAnnouncer {
  /** Runs immediately, because a closure was added or removed. */
  wake(): void;
  /** Resolves when the step in progress is done. The next start continues. */
  close(): Promise<void>;
}

/** Starts the announcer. It repeats a step that failed, with growing pauses. */
export function startClosureAnnouncer(announcements: ClosureAnnouncements, logger: Logger): ClosureAnnouncer {
  let closing = false;
  let failing = false;
  const loop = createLoop({
    intervalMillis: INTERVAL_MILLIS,
    async run() {
      try {
        while (!closing && (await announcements.step()));
        failing = false;
        return true;
      } catch (error) {
        const fields = error instanceof DatabaseUnavailable ? { reason: error.message } : { err: error };
        if (!failing) logger.warn(fields, 'closures not announced yet');
        failing = true;
        return false;
      }
    },
  });
  void loop.runNow();
  return {
    wake: () => void loop.runNow(),
    async close() {
      closing = true;
      await loop.stop();
    },
  };
}
