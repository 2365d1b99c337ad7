/** Pages of a list: what one holds, and the link to the next. */
import type { PageOf } from '@daybook/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bindCursor, type CursorKey, encodeCursor } from './cursor.ts';

/** Cuts rows to a page. The query must read one row more than `limit`. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => CursorKey,
  itemOf: (row: Row) => Item,
): PageOf<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(itemOf), ...(more && { nextCursor: encodeCursor(keyOf(last)) }) };
}

/** Sends a page; for a GET with the `Link` to the next one. */
export function sendPage<Item>(request: FastifyRequest, reply: FastifyReply, page: PageOf<Item>): void {
  if (page.nextCursor === undefined) {
    reply.send(page);
    return;
  }
  const nextCursor = bindCursor(request, page.nextCursor);
  if (request.method === 'GET') {
    const [path = ''] = request.url.split('?', 1);
    const parameters = new URLSearchParams(request.url.slice(path.length));
    parameters.set('cursor', nextCursor);
    reply.header('link', `<${path}?${parameters}>; rel="next"`);
  }
  reply.send({ ...page, nextCursor });
}
