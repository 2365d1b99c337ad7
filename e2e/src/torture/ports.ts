/** Ports that stay ours while nobody listens there: not of those that the system gives to whoever connects somewhere. */
import { createServer } from 'node:net';
import { SERVERS_HOST, WIRES_HOST } from './wire.ts';

const FIRST = 18_000;
const LAST = 31_000;
const MOST_TRIES = 2_000;

async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(port, host, () => server.close(() => resolve(true)));
  return promise;
}

/** On both addresses. Where the search begins is not of the seed: two runs at once want different ones. */
export async function freePorts(count: number): Promise<number[]> {
  const begin = FIRST + Math.floor(Math.random() * (LAST - FIRST));
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries += 1) {
    if (tries > MOST_TRIES) throw new Error('there are no free ports');
    const port = FIRST + ((begin - FIRST + tries) % (LAST - FIRST));
    if ((await canListen(port, SERVERS_HOST)) && (await canListen(port, WIRES_HOST))) found.push(port);
  }
  return found;
}
