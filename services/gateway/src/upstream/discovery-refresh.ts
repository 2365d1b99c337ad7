/** Refreshes the list of instances when it may be outdated. Never throws, because the known list stays in use. */
import { settlesWithin } from '@daybook/async';
import type { Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';

export interface DiscoveryRefresh {
  /** Refreshes in the background. */
  trigger(): void;
  /** Resolves when the list is fetched or the fetch failed, at the latest after `millis`. */
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
      await settlesWithin(refresh(), millis);
    },
  };
}
