/** Where people reach the gateway, which all services have to know before the gateway listens. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Environment, isGiven } from '@daybook/service';

const DEFAULT_PORT = '8080';

/** A port that nothing else listens on until it is released. */
interface HeldPort {
  readonly port: string;
  release(): Promise<void>;
}

/** Takes a free port. Connections to it are closed while it is held. */
async function holdFreePort(host: string): Promise<HeldPort> {
  const server = createServer((socket) => void socket.destroy());
  await once(server.listen({ host, port: 0 }), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the free port has no number');
  return {
    port: String(address.port),
    async release() {
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

export interface PublicAddress {
  /** The given environment with the gateway's port and the public URL, unless they are configured. */
  readonly environment: Environment;
  /** Frees a port that was chosen here, for the gateway. */
  release(): Promise<void>;
}

/** Chooses the gateway's port for `DAYBOOK_PORT=0`, and the public URL, and holds that port. */
export async function choosePublicAddress(environment: Environment): Promise<PublicAddress> {
  const { DAYBOOK_PORT, DAYBOOK_HOST } = environment;
  const isTls = isGiven(environment, 'DAYBOOK_TLS_CERTIFICATE');
  const configured = DAYBOOK_PORT === undefined || DAYBOOK_PORT === '' ? DEFAULT_PORT : DAYBOOK_PORT;
  const held = configured === '0' ? await holdFreePort(DAYBOOK_HOST || '127.0.0.1') : undefined;
  const port = held?.port ?? configured;
  const publicUrl = `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`;
  return {
    environment: {
      ...environment,
      DAYBOOK_PORT: port,
      ...(!isGiven(environment, 'DAYBOOK_PUBLIC_URL') && { DAYBOOK_PUBLIC_URL: publicUrl }),
    },
    release: async () => held?.release(),
  };
}
