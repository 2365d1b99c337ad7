/** Reads the API document from the gateway of a temporary system. */
import { startAllInOne } from '@daybook/launcher';
import { createLogger } from '@daybook/service';

/** Returns the API document. `data` is an empty folder. */
export async function fetchOpenApi(data: string): Promise<string> {
  const config = { DAYBOOK_DATA: data, DAYBOOK_DEMO: 'off', LOG_LEVEL: 'warn' } as const;
  const environment = { DAYBOOK_DATA: data, DAYBOOK_PORT: '0' };
  const logger = createLogger({ level: 'warn' });
  const system = await startAllInOne(config, environment, logger);
  try {
    const response = await fetch(`${system.url}/openapi.json`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`the gateway returned ${response.status}`);
    return JSON.stringify(await response.json(), null, 2);
  } finally {
    await system.close();
  }
}
