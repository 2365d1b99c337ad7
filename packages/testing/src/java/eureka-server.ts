/** Runs the deployed Eureka server on this machine. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Program } from '../child-process.ts';
import { registryUsersVariable } from '../registry-users.ts';
import { startJava } from './programs.ts';

/** Below the range of outgoing connections, so that a free port stays free until the server takes it. */
const PORTS = { from: 20_000, to: 30_000 };
const MAX_ATTEMPTS = 50;

export async function freePort(): Promise<number> {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      await once(server.close(), 'close');
      return port;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
  throw new Error('no port is free');
}

export interface EurekaServer {
  /** The base URL for clients. */
  readonly url: string;
  readonly program: Program;
}

export async function startEurekaServer(port: number, environment: Record<string, string> = {}): Promise<EurekaServer> {
  const { program } = await startJava('eureka', {
    environment: { EUREKA_PORT: String(port), ...registryUsersVariable, ...environment },
  });
  return { url: `http://127.0.0.1:${port}/eureka`, program };
}
