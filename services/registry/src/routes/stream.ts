/**
 * `GET /eureka/stream`: every change of the list at once, for our own callers; no Eureka server has it. Server-sent events:
 *
 *     event: hello     data: {"hash":"UP_2_"}       the first: what is missed before it is in the list, fetched after it
 *     event: change    data: {"action":"ADDED"|"MODIFIED"|"DELETED","instance":{…},"hash":"UP_3_"}
 *     : a comment      every ten seconds; who hears nothing for longer is cut off from here
 *
 * The instance is Eureka's JSON document, the hash that of the whole list with this change. `id` is the version of the list.
 */
import type { ServerResponse } from 'node:http';
import { type App, guarded, SAFE_HEADERS } from '@daybook/service';
import type { Action, InstanceDocument } from '../domain/lease.ts';
import type { Leases } from '../domain/leases.ts';

export interface ChangeStream {
  /** To be called after each change of the list. */
  tell(action: Action, instance: () => InstanceDocument): void;
  routes(app: App): Promise<void>;
}

export const BEAT_INTERVAL_MILLIS = 10_000;
const MAX_READERS = 1_000;
/** What waits for a reader; one that is so far behind fetches the list more quickly. */
const MAX_WAITING_BYTES = 1024 * 1024;

export function createChangeStream(leases: () => Pick<Leases, 'hash' | 'version'>): ChangeStream {
  const readers = new Set<ServerResponse>();

  function write(text: string): void {
    for (const reader of readers) {
      if (reader.writableLength > MAX_WAITING_BYTES) reader.destroy();
      else reader.write(text);
    }
  }

  const event = (name: string, data: object): string =>
    `id: ${leases().version()}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

  function add(reader: ServerResponse): void {
    readers.add(reader);
    reader.once(
      'close',
      guarded(reader.req.socket, () => void readers.delete(reader)),
    );
    reader.writeHead(200, { ...SAFE_HEADERS, 'content-type': 'text/event-stream' });
    reader.write(event('hello', { hash: leases().hash() }));
  }

  return {
    tell(action, instance) {
      if (readers.size > 0) write(event('change', { action, instance: instance(), hash: leases().hash() }));
    },

    async routes(app) {
      const beat = setInterval(() => write(': still here\n\n'), BEAT_INTERVAL_MILLIS).unref();
      app.get('/eureka/stream', { schema: { hide: true }, exposeHeadRoute: false }, (_request, reply) => {
        if (readers.size >= MAX_READERS) return reply.code(503).send();
        reply.hijack();
        add(reply.raw);
        return reply;
      });
      // They would never end by themselves, and nobody could close.
      app.addHook('preClose', async () => {
        clearInterval(beat);
        for (const reader of readers) {
          // What is written after the end is an error of the response.
          readers.delete(reader);
          if (reader.writableLength > 0) reader.destroy();
          else reader.end();
        }
      });
    },
  };
}
