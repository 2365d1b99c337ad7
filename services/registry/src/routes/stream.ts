/**
 * Serves `GET /eureka/stream`: every change of the list immediately, for Daybook's own clients. Eureka servers do not
 * have it. The response consists of server-sent events:
 *
 *     event: hello     data: {"hash":"UP_2_"}       the first; earlier changes are in the list, fetched after it
 *     event: change    data: {"action":"ADDED"|"MODIFIED"|"DELETED","instance":{…},"hash":"UP_3_"}
 *     : a comment      every ten seconds; a client that receives nothing for longer is disconnected
 *
 * The instance is Eureka's JSON document. The hash is that of the whole list with this change. `id` is the version of
 * the list.
 */
import type { ServerResponse } from 'node:http';
import { type App, guarded, SAFE_HEADERS } from '@daybook/service';
import type { Action, InstanceDocument } from '../domain/lease.ts';
import type { Leases } from '../domain/leases.ts';

export interface ChangeStream {
  /** Must be called after each change of the list. */
  publish(action: Action, instance: () => InstanceDocument): void;
  routes(app: App): Promise<void>;
}

export const HEARTBEAT_INTERVAL_MILLIS = 10_000;
const MAX_SUBSCRIBERS = 1_000;
/** The largest backlog of a reader. A reader that is further behind recovers faster by fetching the list. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export function createChangeStream(leases: () => Pick<Leases, 'hash' | 'version'>): ChangeStream {
  const subscribers = new Set<ServerResponse>();

  function write(text: string): void {
    for (const subscriber of subscribers) {
      if (subscriber.writableLength > MAX_BUFFERED_BYTES) subscriber.destroy();
      else subscriber.write(text);
    }
  }

  const event = (name: string, data: object): string =>
    `id: ${leases().version()}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

  function add(subscriber: ServerResponse): void {
    subscribers.add(subscriber);
    subscriber.once(
      'close',
      guarded(subscriber.req.socket, () => void subscribers.delete(subscriber)),
    );
    subscriber.writeHead(200, { ...SAFE_HEADERS, 'content-type': 'text/event-stream' });
    subscriber.write(event('hello', { hash: leases().hash() }));
  }

  return {
    publish(action, instance) {
      if (subscribers.size > 0) write(event('change', { action, instance: instance(), hash: leases().hash() }));
    },

    async routes(app) {
      const heartbeat = setInterval(() => write(': still here\n\n'), HEARTBEAT_INTERVAL_MILLIS).unref();
      app.get('/eureka/stream', { schema: { hide: true }, exposeHeadRoute: false }, (_request, reply) => {
        if (subscribers.size >= MAX_SUBSCRIBERS) return reply.code(503).send();
        reply.hijack();
        add(reply.raw);
        return reply;
      });
      // The streams would never end on their own, and would block the shutdown.
      app.addHook('preClose', async () => {
        clearInterval(heartbeat);
        for (const subscriber of subscribers) {
          // A write after the end would be an error of the response.
          subscribers.delete(subscriber);
          if (subscriber.writableLength > 0) subscriber.destroy();
          else subscriber.end();
        }
      });
    },
  };
}
