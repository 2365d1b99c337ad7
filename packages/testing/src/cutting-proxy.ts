/** Forwards bytes to a real server. Cuts connections, and can become unreachable while the server runs. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly port: number;
  /** The number of open connections. */
  readonly connections: number;
  /** Cuts all connections immediately, in the middle of their traffic. New ones are accepted. */
  cut(): void;
  /** Forwards nothing and reports nothing, like a network that drops packets. Lasts until `resume` or `cut`. */
  stall(): void;
  resume(): void;
  /** Makes the server unreachable through this proxy until `open`. */
  close(): Promise<void>;
  /** Listens on the same port again. */
  open(): Promise<void>;
}

export async function startCuttingProxy(target: { host: string; port: number }): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  let stalled = false;

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    if (stalled) socket.pause();
  }

  function pass(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (!stalled) from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }

  function serve(incoming: Socket): void {
    const outgoing = connect(target);
    for (const socket of [incoming, outgoing]) keep(socket);
    pass(incoming, outgoing);
    pass(outgoing, incoming);
  }

  async function open(): Promise<void> {
    const opening = createServer(serve);
    const listening = Promise.withResolvers<void>();
    opening.once('error', listening.reject);
    opening.listen(port, '127.0.0.1', listening.resolve);
    await listening.promise;
    const address = opening.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    port = address.port;
    server = opening;
  }

  function cut(): void {
    stalled = false;
    for (const socket of sockets) socket.resetAndDestroy();
  }

  async function close(): Promise<void> {
    const closing = server;
    if (!closing) return;
    server = undefined;
    const closed = Promise.withResolvers<void>();
    closing.close(() => closed.resolve());
    cut();
    await closed.promise;
  }

  await open();
  return {
    get port() {
      return port;
    },
    get connections() {
      return sockets.size / 2;
    },
    cut,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      stalled = false;
      for (const socket of sockets) socket.resume();
    },
    open,
    close,
  };
}
