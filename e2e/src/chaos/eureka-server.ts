/** Starts Netflix's Eureka, as `deploy/eureka` builds it, instead of our own registry. */
import { join } from 'node:path';
import { registryUsersVariable } from '@daybook/testing';
import { SERVERS_HOST } from './addresses.ts';
import { type Child, startChild, waitUntil } from './child-process.ts';
import type { PrivateServer } from './database-server.ts';

const START_MILLIS = 120_000;
const PROBE_TIMEOUT_MILLIS = 2_000;

export function createEurekaServer(jar: string, folder: string, port: number): PrivateServer {
  let child: Child | undefined;

  async function isReachable(): Promise<boolean> {
    if (!child?.isRunning) throw new Error(`Eureka ended at its start: see ${folder}/eureka.log`);
    try {
      const url = `http://${SERVERS_HOST}:${port}/eureka/apps`;
      const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MILLIS) });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  return {
    async start() {
      if (child?.isRunning) return;
      const { PATH, HOME } = process.env;
      child = startChild({
        program: 'java',
        args: ['-Xmx192m', '-jar', jar],
        environment: {
          ...{ PATH, HOME, EUREKA_HOST: SERVERS_HOST, EUREKA_PORT: String(port), EUREKA_LOG_LEVEL: 'warn' },
          ...registryUsersVariable,
        },
        log: join(folder, 'eureka.log'),
      });
      await waitUntil('Eureka responds', START_MILLIS, isReachable);
    },
    kill: async () => child?.stop('SIGKILL'),
    stop: async () => child?.stop('SIGTERM'),
  };
}
