/** Forwards requests to a real server and records them. It can become unreachable while the server runs. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

export interface RecordingProxy {
  readonly url: string;
  /** Requests such as `GET /path`, in the order of their responses. */
  readonly exchanges: { readonly request: string; readonly status: number }[];
  /** Makes the server unreachable through this proxy until `open`. */
  close(): Promise<void>;
  /** Listens on the same address again. */
  open(): Promise<void>;
}

/** `url` is the base URL of the server; the proxy's URL has the same path. */
export async function startRecordingProxy(url: string): Promise<RecordingProxy> {
  const target = new URL(url);
  const exchanges: { request: string; status: number }[] = [];
  let port = 0;
  let server: Server | undefined;

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname: target.hostname, port: target.port, method, path, headers }, (response) => {
      const { statusCode: status = 502 } = response;
      exchanges.push({ request: `${method} ${path}`, status });
      outgoing.writeHead(status, response.headers);
      response.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  async function open(): Promise<void> {
    server = createServer(forward);
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    server.listen(port, '127.0.0.1', listening.resolve);
    await listening.promise;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    port = address.port;
  }

  async function close(): Promise<void> {
    const closing = server;
    if (!closing) return;
    server = undefined;
    const closed = Promise.withResolvers<void>();
    closing.close(() => closed.resolve());
    closing.closeAllConnections();
    await closed.promise;
  }

  await open();
  return { url: `http://127.0.0.1:${port}${target.pathname.replace(/\/+$/, '')}`, exchanges, open, close };
}
