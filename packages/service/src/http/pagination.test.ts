import { DEFAULT_LIMIT, Page, paging } from '@daybook/contracts';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { bareApp } from '../testing.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { pageOf, sendPage } from './pagination.ts';

describe('a list', () => {
  const numbers = Array.from({ length: 25 }, (_, index) => index + 1);

  async function listApp() {
    const { app } = await bareApp();
    const querystring = Type.Object({ q: Type.Optional(Type.String()), ...paging }, { additionalProperties: false });
    app.get(
      '/numbers',
      { schema: { querystring, response: { 200: Page(Type.Integer(), 'NumberPage') } } },
      async (request, reply) => {
        const { limit = DEFAULT_LIMIT, cursor } = request.query;
        const [after = 0] = cursor === undefined ? [] : decodeCursor(cursor, ['number']);
        const rows = numbers.filter((number) => number > after).slice(0, limit + 1);
        sendPage(
          request,
          reply,
          pageOf(
            rows,
            limit,
            (row) => [row],
            (row) => row,
          ),
        );
        return reply;
      },
    );
    return app;
  }

  it.each(['/numbers?limit=10', '/numbers', '/numbers?limit=25', '/numbers?limit=1', '/numbers?q=what%3F&limit=7'])(
    'is whole when each link to the next page is followed from %s',
    async (start) => {
      const app = await listApp();
      const seen: number[] = [];
      let next: string | undefined = start;
      while (next !== undefined) {
        const response: Awaited<ReturnType<typeof app.inject>> = await app.inject(next);
        expect(response.statusCode).toBe(200);
        const { items, nextCursor } = response.json<{ items: number[]; nextCursor?: string }>();
        seen.push(...items);
        const link = response.headers.link;
        expect(link === undefined).toBe(nextCursor === undefined);
        next = typeof link === 'string' ? /^<(.*)>; rel="next"$/.exec(link)?.[1] : undefined;
        expect(next === undefined).toBe(link === undefined);
      }
      expect(seen).toEqual(numbers);
    },
  );

  it('keeps the query in the link to the next page', async () => {
    const app = await listApp();
    for (const query of ['q=a?b&limit=5', 'q=a%26b%3Dc&limit=5', 'limit=5&q=%C3%A9+x']) {
      const { headers } = await app.inject(`/numbers?${query}`);
      const next = new URL(/<(.*)>/.exec(String(headers.link))?.[1] ?? '', 'http://daybook');
      const given = new URLSearchParams(query);
      expect(next.searchParams.get('q')).toBe(given.get('q'));
      expect(next.searchParams.get('limit')).toBe('5');
    }
  });

  it('replaces the cursor in the link to the next page', async () => {
    const app = await listApp();
    const first = await app.inject('/numbers?limit=5');
    const { nextCursor } = first.json<{ nextCursor: string }>();
    const { headers } = await app.inject(`/numbers?cursor=${nextCursor}&limit=5`);
    const next = nextCursor.replace(encodeCursor([5]), encodeCursor([10]));
    expect(headers.link).toBe(`</numbers?cursor=${next}&limit=5>; rel="next"`);
  });

  it('rejects a cursor with other filters than those it was given for, and takes it with another limit', async () => {
    const app = await listApp();
    app.get('/others', { schema: { querystring: Type.Object(paging) } }, async () => ({ items: [] }));
    const { nextCursor } = (await app.inject('/numbers?q=a&limit=5')).json<{ nextCursor: string }>();
    for (const url of ['/numbers?q=b&limit=5', '/numbers?limit=5', '/others?limit=5']) {
      const response = await app.inject(`${url}&cursor=${nextCursor}`);
      expect(response.json()).toMatchObject({ status: 400, code: 'invalid-request', errors: [{ pointer: '/cursor' }] });
    }
    const taken = await app.inject(`/numbers?limit=3&cursor=${nextCursor}&q=a`);
    expect(taken.json()).toMatchObject({ items: [6, 7, 8] });
  });

  it('whose filters are in a body has a cursor that belongs to them, and no link', async () => {
    const app = await listApp();
    const body = Type.Object({ q: Type.Optional(Type.String()), ...paging });
    app.post('/search', { schema: { body } }, async (request, reply) => {
      const [after = 0] = request.body.cursor === undefined ? [] : decodeCursor(request.body.cursor, ['number']);
      sendPage(request, reply, { items: [after + 1], nextCursor: encodeCursor([after + 1]) });
      return reply;
    });
    const search = (payload: object) => app.inject({ method: 'POST', url: '/search', payload });
    const first = await search({ q: 'a' });
    expect(first.headers.link).toBeUndefined();
    const { nextCursor } = first.json<{ nextCursor: string }>();
    expect((await search({ q: 'a', cursor: nextCursor })).json()).toMatchObject({ items: [2] });
    expect((await search({ q: 'b', cursor: nextCursor })).json()).toMatchObject({ errors: [{ pointer: '/cursor' }] });
  });

  it('refuses a cursor that it did not give with 400 and where it was', async () => {
    const app = await listApp();
    const response = await app.inject('/numbers?cursor=nonsense');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/cursor' }] });
  });

  it('ends with a page without a cursor, also when it is exactly full', () => {
    const keyOf = (row: number) => [row];
    const itemOf = (row: number) => row;
    expect(pageOf([1, 2], 2, keyOf, itemOf)).toEqual({ items: [1, 2] });
    expect(pageOf([1, 2, 3], 2, keyOf, itemOf)).toEqual({ items: [1, 2], nextCursor: encodeCursor([2]) });
    expect(pageOf([], 2, keyOf, itemOf)).toEqual({ items: [] });
  });
});
