/** The API document, as the gateway of a system that runs for this serves it. */
import { startEverything } from '@daybook/launcher';
import { createLogger } from '@daybook/service';

/** `data` is an empty folder. */
export async function askRunningSystem(data: string): Promise<string> {
  const config = { DAYBOOK_DATA: data, DAYBOOK_DEMO: 'off', LOG_LEVEL: 'warn' } as const;
  const environment = { DAYBOOK_DATA: data, DAYBOOK_PORT: '0' };
  const logger = createLogger({ level: 'warn', pretty: false });
  const system = await startEverything(config, environment, logger);
  try {
    const answer = await fetch(`${system.url}/openapi.json`, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
    return JSON.stringify(await answer.json(), null, 2);
  } finally {
    await system.close();
  }
}
