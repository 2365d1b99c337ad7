/**
 * Opaque cursors: the end of a page, so that the next page starts there while rows are added and removed. Stores read
 * and write the sort key. The HTTP side binds it to the list and its filters, because in another list it would silently
 * skip rows.
 */
import { createHash } from 'node:crypto';
import { Refusal } from '@daybook/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** The sort key of a page's last row. */
export type CursorKey = readonly (string | number)[];

export const encodeCursor = (key: CursorKey): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** The types of the parts of a key; an `id` is a UUID as Daybook writes it. */
interface PartTypes {
  id: string;
  string: string;
  number: number;
}

type Part = keyof PartTypes;

/** The key with parts of these types. */
type KeyOf<Shape extends readonly Part[]> = {
  -readonly [Index in keyof Shape]: Shape[Index] extends Part ? PartTypes[Shape[Index]] : never;
};

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

/** Enough to detect mistakes. Forged cursors are harmless, because a cursor protects no data. */
const FINGERPRINT_LETTERS = 8;

/** Returns the list of a request and its filters: everything but the page. */
function filtersOf({ routeOptions, query, body }: FastifyRequest): string {
  const filters = [...fieldsOf(query), ...fieldsOf(body)].filter(([name]) => name !== 'cursor' && name !== 'limit');
  const text = JSON.stringify([routeOptions.url, filters.sort(([one], [other]) => (one < other ? -1 : 1))]);
  return createHash('sha256').update(text).digest('base64url').slice(0, FINGERPRINT_LETTERS);
}

/** Returns the cursor for clients. */
export const bindCursor = (request: FastifyRequest, cursor: string): string => `${filtersOf(request)}.${cursor}`;

/**
 * Returns the cursor of the store.
 * @throws Refusal `invalid-request` when it belongs to another list or other filters
 */
function unbind(request: FastifyRequest, bound: string): string {
  const prefix = bindCursor(request, '');
  if (!bound.startsWith(prefix)) throw foreignCursor();
  return bound.slice(prefix.length);
}

/**
 * Unbinds `query.cursor` and `body.cursor`, so that handlers get the cursor of `pageOf` for the same list and filters.
 */
export function addCursors(app: FastifyInstance): void {
  app.addHook('preHandler', async (request) => {
    for (const fields of [request.query, request.body]) {
      if (typeof fields !== 'object' || fields === null || !('cursor' in fields)) continue;
      if (typeof fields.cursor === 'string') fields.cursor = unbind(request, fields.cursor);
    }
  });
}

const hasShape = <Shape extends readonly Part[]>(key: unknown, shape: Shape): key is KeyOf<Shape> =>
  Array.isArray(key) && key.length === shape.length && shape.every((part, index) => FITS[part](key[index]));

/**
 * Decodes a cursor. `shape` gives the type of each part.
 * @throws Refusal `invalid-request` when this list did not create the cursor
 */
export function decodeCursor<const Shape extends readonly Part[]>(cursor: string, shape: Shape): KeyOf<Shape> {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw foreignCursor();
    throw error;
  }
  if (!hasShape(key, shape)) throw foreignCursor();
  return key;
}
