/** Finds ports outside of the ephemeral range, so that they stay free while no server listens. */
import { createServer } from 'node:net';
import { PROXIES_HOST, SERVERS_HOST } from './addresses.ts';

const FIRST_PORT = 18_000;
const LAST_PORT = 31_000;
const MAX_ATTEMPTS = 2_000;

async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(port, host, () => server.close(() => resolve(true)));
  return promise;
}

/**
 * Returns ports that are free on both addresses.
 * The search starts at random and not from the seed, because concurrent runs need different ports.
 */
export async function freePorts(count: number): Promise<number[]> {
  const first = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
  const found: number[] = [];
  for (let attempts = 0; found.length < count; attempts += 1) {
    if (attempts > MAX_ATTEMPTS) throw new Error('there are no free ports');
    const port = FIRST_PORT + ((first - FIRST_PORT + attempts) % (LAST_PORT - FIRST_PORT));
    if ((await canListen(port, SERVERS_HOST)) && (await canListen(port, PROXIES_HOST))) found.push(port);
  }
  return found;
}
