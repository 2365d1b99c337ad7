/** Asks for the list of instances when there is reason to doubt it. Never throws: what was known stays in use. */
import type { Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';

export interface DiscoveryRefresh {
  /** In the background. */
  trigger(): void;
  /** Resolves when the list is here or cannot be had, at the latest after `millis`. */
  refreshWithin(millis: number): Promise<void>;
}

export function createDiscoveryRefresh(discovery: Discovery, logger: Pick<Logger, 'warn'>): DiscoveryRefresh {
  let running: Promise<void> | undefined;
  let failing = false;

  async function run(): Promise<void> {
    try {
      await discovery.refresh();
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ err: error }, 'instance list not refreshed');
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
    trigger: () => void refresh(),
    async refreshWithin(millis) {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, millis);
      await Promise.race([refresh(), deadline.promise]);
      clearTimeout(timer);
    },
  };
}
