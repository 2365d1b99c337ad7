import { type System, startAllInOne } from '@daybook/launcher';
import type { InProcessBus } from '@daybook/messaging';
import { createLogger } from '@daybook/service';
import { registryUsersVariable } from '@daybook/testing';
import { environmentOn } from '@daybook/testing/system-database';

export interface EmbeddedOptions {
  /** Whether the demo clinic is in it. */
  demo?: 'on' | 'off';
  /** The bus to run on, for tests that observe events. */
  bus?: InProcessBus;
  /** A running registry; by default the system starts its own. */
  eurekaUrl?: string;
}

/** Starts everything in the process of the test, on free ports, without the demo. */
export function startEmbedded(data: string, { demo = 'off', bus, eurekaUrl }: EmbeddedOptions = {}): Promise<System> {
  const servers = {
    ...environmentOn(data),
    ...registryUsersVariable,
    ...(eurekaUrl !== undefined && { EUREKA_URL: eurekaUrl }),
  };
  const config = { DAYBOOK_DATA: data, DAYBOOK_DEMO: demo, LOG_LEVEL: 'error', ...servers } as const;
  const environment = { DAYBOOK_DATA: data, DAYBOOK_PORT: '0', ...servers };
  return startAllInOne(config, environment, createLogger({ level: 'error' }), bus);
}
