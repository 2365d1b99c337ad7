/**
 * Records the HTTP exchanges between clients and a server. It parses each request and forwards it by itself. A fault
 * proxy knows only bytes, so it cannot replace this one. The faults are those of a fault proxy in front of this one.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** More than any test sends. Further requests have no response. */
const MAX_EXCHANGES = 100_000;

export interface ExchangeRecorder extends AsyncDisposable {
  readonly url: string;
  /** Requests such as `GET /path`, in the order of their responses. */
  readonly exchanges: readonly { readonly request: string; readonly status: number }[];
}

/** `url` is the base URL of the server; the recorder's URL has the same path. */
export async function startExchangeRecorder(url: string): Promise<ExchangeRecorder> {
  const target = new URL(url);
  const exchanges: { request: string; status: number }[] = [];

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (exchanges.length === MAX_EXCHANGES) {
      outgoing.destroy();
      return;
    }
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname: target.hostname, port: target.port, method, path, headers }, (response) => {
      const { statusCode: status = 502 } = response;
      exchanges.push({ request: `${method} ${path}`, status });
      outgoing.writeHead(status, response.headers);
      // The client sees an incomplete response as such.
      response.on('error', () => outgoing.destroy());
      response.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  const server = createServer(forward).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the recorder has no port');
  return {
    url: `http://127.0.0.1:${address.port}${target.pathname.replace(/\/+$/, '')}`,
    exchanges,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
