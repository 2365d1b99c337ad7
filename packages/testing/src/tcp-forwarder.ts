/** Forwards a port to another one, and can simulate network failures. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The fate of a message. `lose-response` delivers it and cuts the connection before the response returns. */
export type Fate = 'pass' | 'lose-request' | 'lose-response';

export interface TcpForwarder extends AsyncDisposable {
  readonly port: number;
  /** Decides for each message of a client. */
  fate: (message: Buffer) => Fate;
  /** The number of lost messages. */
  readonly lost: number;
  /** Cuts all connections; new ones are accepted. */
  cut(): void;
  /** Cuts all connections and rejects new ones until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startForwarder(target: { host: string; port: number }): Promise<TcpForwarder> {
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    let losing = false;
    const end = () => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // Both ends are closed on purpose.
      socket.on('error', end).on('close', end);
    }
    client.on('data', (message: Buffer) => {
      const fate = forwarder.fate(message);
      if (fate !== 'pass') lost += 1;
      if (fate === 'lose-request') return end();
      if (fate === 'lose-response') losing = true;
      upstream.write(message);
    });
    upstream.on('data', (response) => {
      if (losing) end();
      else client.write(response);
    });
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  // A server that listens on a port has an address with a port.
  const { port } = server.address() as AddressInfo;
  const forwarder: TcpForwarder = {
    port,
    fate: () => 'pass',
    get lost() {
      return lost;
    },
    cut,
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
    start: () => listen(port),
    [Symbol.asyncDispose]: () => forwarder.stop(),
  };
  return forwarder;
}
