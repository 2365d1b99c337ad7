/**
 * Opaque cursors: where a page ended, so that the next begins there while rows come and go. Stores read and write the sort
 * key; the HTTP side binds it to the list and its filters, since in another list it would skip rows without a word.
 */
import { createHash } from 'node:crypto';
import { type PageOf, Refusal } from '@daybook/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

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

const foreignCursor = (): Refusal =>
  new Refusal('invalid-request', 'The cursor does not belong to this list and its filters. Start without a cursor.', {
    errors: [{ pointer: '/cursor', message: 'is not one that this list gave' }],
  });

const fieldsOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

/** Enough to notice a mistake; a cursor holds nothing that a forged one would give away. */
const FINGERPRINT_LETTERS = 8;

/** Names the list of a request and its filters: all that it asks for besides the page. */
function filtersOf({ routeOptions, query, body }: FastifyRequest): string {
  const filters = [...fieldsOf(query), ...fieldsOf(body)].filter(([name]) => name !== 'cursor' && name !== 'limit');
  const text = JSON.stringify([routeOptions.url, filters.sort(([one], [other]) => (one < other ? -1 : 1))]);
  return createHash('sha256').update(text).digest('base64url').slice(0, FINGERPRINT_LETTERS);
}

/** The cursor as a client gets it. */
export const bindCursor = (request: FastifyRequest, cursor: string): string => `${filtersOf(request)}.${cursor}`;

/** @throws Refusal `invalid-request` when it was given for another list or other filters */
function unbind(request: FastifyRequest, bound: string): string {
  const prefix = bindCursor(request, '');
  if (!bound.startsWith(prefix)) throw foreignCursor();
  return bound.slice(prefix.length);
}

/** Handlers find in `query.cursor` or `body.cursor` what `pageOf` gave, for their own list and filters. */
export function addCursors(app: FastifyInstance): void {
  app.addHook('preHandler', async (request) => {
    for (const fields of [request.query, request.body]) {
      if (typeof fields !== 'object' || fields === null || !('cursor' in fields)) continue;
      if (typeof fields.cursor === 'string') fields.cursor = unbind(request, fields.cursor);
    }
  });
}

/**
 * Reads a cursor back. `shape` names what each part is.
 * @throws Refusal `invalid-request` when it is not one that this list gave out
 */
export function decodeCursor(cursor: string, shape: readonly Part[]): CursorKey {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw foreignCursor();
    throw error;
  }
  if (!Array.isArray(key) || key.length !== shape.length) throw foreignCursor();
  if (!shape.every((part, index) => FITS[part](key[index]))) throw foreignCursor();
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

/** Sends a page; a GET with the `Link` to the next one. */
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
