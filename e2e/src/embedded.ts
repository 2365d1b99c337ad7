import { type System, startEverything } from '@daybook/launcher';
import { createLogger } from '@daybook/service';

/** Everything in the process of the test, on free ports, without the demo. */
export function startEmbedded(data: string): Promise<System> {
  const config = { DAYBOOK_DATA: data, DAYBOOK_DEMO: 'off', LOG_LEVEL: 'error' } as const;
  const environment = { DAYBOOK_DATA: data, DAYBOOK_PORT: '0' };
  return startEverything(config, environment, createLogger({ level: 'error', pretty: false }));
}
