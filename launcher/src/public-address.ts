/** Where people reach the gateway, which all services have to know before the gateway listens. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Environment, isGiven } from '@daybook/service';

const DEFAULT_PORT = '8080';

/** Returns a port that is free now. */
async function findFreePort(host: string): Promise<string> {
  const server = createServer();
  await once(server.listen({ host, port: 0 }), 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the free port has no number');
  return String(address.port);
}

/** Returns the environment with the gateway's port and the public URL, unless they are configured. */
export async function withPublicAddress(environment: Environment): Promise<Environment> {
  const { DAYBOOK_PORT, DAYBOOK_HOST } = environment;
  const isTls = isGiven(environment, 'DAYBOOK_TLS_CERTIFICATE');
  const configured = DAYBOOK_PORT === undefined || DAYBOOK_PORT === '' ? DEFAULT_PORT : DAYBOOK_PORT;
  const port = configured === '0' ? await findFreePort(DAYBOOK_HOST || '127.0.0.1') : configured;
  const isPublicUrlGiven = isGiven(environment, 'DAYBOOK_PUBLIC_URL');
  return {
    ...environment,
    DAYBOOK_PORT: port,
    ...(!isPublicUrlGiven && { DAYBOOK_PUBLIC_URL: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}` }),
  };
}
