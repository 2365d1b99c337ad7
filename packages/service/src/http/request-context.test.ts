import { describe, expect, it } from 'vitest';
import { traceOf } from '../observability/trace.ts';
import { bareApp } from '../testing.ts';

async function contextApp() {
  const { app } = await bareApp();
  app.get('/context', async ({ id, caller, trace }) => ({ id, caller, trace }));
  return app;
}

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';

describe('every response', () => {
  it('carries the id that its request brought', async () => {
    const app = await contextApp();
    const response = await app.inject({ url: '/context', headers: { 'x-request-id': 'a.b_C-1' } });
    expect(response.headers['x-request-id']).toBe('a.b_C-1');
    expect(response.json()).toMatchObject({ id: 'a.b_C-1' });
  });

  it.each([undefined, '', 'with blank', 'x'.repeat(65), 'a;b', '<script>'])(
    'carries a new id when its request brought %j',
    async (given) => {
      const app = await contextApp();
      const headers = given === undefined ? {} : { 'x-request-id': given };
      const ids = [await app.inject({ url: '/context', headers }), await app.inject({ url: '/context', headers })].map(
        (response) => response.headers['x-request-id'],
      );
      for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect(ids[0]).not.toBe(ids[1]);
    },
  );

  it.each(['/context', '/unknown', '/%', '/health/live', '/metrics', '/openapi.json'])(
    'has an id, also at %s',
    async (url) => {
      const app = await contextApp();
      const response = await app.inject({ url, headers: { 'x-request-id': 'mine' } });
      expect(response.headers['x-request-id']).toBe('mine');
    },
  );
});

it('believes no header outside of the API', async () => {
  const app = await contextApp();
  const response = await app.inject({ url: '/context', headers: { authorization: 'Bearer x' } });
  expect(response.json()).toMatchObject({ caller: { id: 'anonymous', patientIds: [] } });
});

describe('a trace', () => {
  it('goes on from the request, under an id of its own', () => {
    const { traceId, traceparent } = traceOf(`00-${TRACE_ID}-${PARENT_ID}-00`);
    expect(traceId).toBe(TRACE_ID);
    expect(traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));
    expect(traceparent).not.toContain(PARENT_ID);
  });

  it.each([
    undefined,
    '',
    'nonsense',
    `00-${TRACE_ID}-${PARENT_ID}`,
    `00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-01`,
    `00-${'0'.repeat(32)}-${PARENT_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `ff-${TRACE_ID}-${PARENT_ID}-01`,
    [`00-${TRACE_ID}-${PARENT_ID}-01`],
  ])('starts again when the request brings %j', (header) => {
    const { traceId, traceparent } = traceOf(header);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect([TRACE_ID, '0'.repeat(32)]).not.toContain(traceId);
    expect(traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  });

  it('is the one of the request, in handlers and in problems', async () => {
    const app = await contextApp();
    const headers = { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01` };
    expect((await app.inject({ url: '/context', headers })).json()).toMatchObject({ trace: { traceId: TRACE_ID } });
    for (const url of ['/unknown', '/%']) {
      expect((await app.inject({ url, headers })).json()).toMatchObject({ traceId: TRACE_ID });
    }
  });
});
