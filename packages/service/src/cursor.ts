/** Opaque cursors: where a page ended, so that the next begins there while rows come and go. */
import { type PageOf, Refusal } from '@daybook/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The sort key of a page's last row. */
export type CursorKey = readonly (string | number)[];

export const encodeCursor = (key: CursorKey): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** What a part of a key can be; an `id` is a UUID as Daybook writes it. */
type Part = 'id' | 'string' | 'number';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const FITS: Record<Part, (value: unknown) => boolean> = {
  id: (value) => typeof value === 'string' && UUID.test(value),
  string: (value) => typeof value === 'string',
  number: Number.isSafeInteger,
};

/**
 * Reads a cursor back. `shape` names what each part is.
 * @throws Refusal `invalid-request` when it is not one that this list gave out
 */
export function decodeCursor(cursor: string, shape: readonly Part[]): CursorKey {
  const refused = new Refusal('invalid-request', 'The cursor is not one that this list gave.', {
    errors: [{ pointer: '/cursor', message: 'is not one that this list gave' }],
  });
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw refused;
    throw error;
  }
  if (!Array.isArray(key) || key.length !== shape.length) throw refused;
  if (!shape.every((part, index) => FITS[part](key[index]))) throw refused;
  return key;
}

/** Cuts rows, of which one more than `limit` was read, to a page. */
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

/** Sends a page with the `Link` to the next one. */
export function sendPage<Item>(request: FastifyRequest, reply: FastifyReply, page: PageOf<Item>): void {
  if (page.nextCursor !== undefined) {
    const [path = ''] = request.url.split('?', 1);
    const parameters = new URLSearchParams(request.url.slice(path.length));
    parameters.set('cursor', page.nextCursor);
    reply.header('link', `<${path}?${parameters}>; rel="next"`);
  }
  reply.send(page);
}
