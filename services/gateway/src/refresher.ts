/** Asks for the list of instances when there is reason to doubt it. Never throws: what was known stays in use. */
import type { Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';

export interface Refresher {
  /** In the background. */
  soon(): void;
  /** Resolves when the list is here or cannot be had, at the latest after `millis`. */
  within(millis: number): Promise<void>;
}

export function createRefresher(discovery: Discovery, logger: Pick<Logger, 'warn'>): Refresher {
  let running: Promise<void> | undefined;
  let failing = false;

  async function run(): Promise<void> {
    try {
      await discovery.refresh();
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ err: error }, 'the list of instances cannot be fetched; what was known stays in use');
      failing = true;
    } finally {
      running = undefined;
    }
  }

  function refresh(): Promise<void> {
    running ??= run();
    return running;
  }

  return {
    soon: () => void refresh(),
    async within(millis) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, millis);
      await Promise.race([refresh(), late.promise]);
      clearTimeout(timer);
    },
  };
}
