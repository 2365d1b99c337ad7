/** Reads the configuration, listens. The registry registers nowhere: it is where others do. */
import { drain, listen, listenOnOf, type StartService } from '@daybook/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';

export { readConfig };

export const start: StartService = async ({ environment, logger }) => {
  const { host, port, variable } = listenOnOf(readConfig(environment));
  const app = await buildApp({ logger });
  const url = await listen(app, host, port, variable);
  return { name: 'registry-service', url, close: () => drain(app, logger) };
};
