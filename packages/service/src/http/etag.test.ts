import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { bareApp } from '../testing.ts';
import { preconditionOf, sendTagged, sendVersioned } from './etag.ts';

/** One resource, initially at version 3. */
async function resourceApp() {
  const { app } = await bareApp();
  const resource = { name: 'Ana', version: 3 };
  const Resource = Type.Object({ name: Type.String(), version: Type.Integer() });
  app.get('/it', { schema: { response: { 200: Resource } } }, async (request, reply) => {
    sendVersioned(request, reply, resource);
    return reply;
  });
  app.patch('/it', async (request, reply) => {
    preconditionOf(request).check(resource.version);
    resource.version += 1;
    sendVersioned(request, reply, resource);
    return reply;
  });
  return app;
}

describe('a read', () => {
  it('returns the version as a strong ETag', async () => {
    const app = await resourceApp();
    const response = await app.inject('/it');
    expect(response.statusCode).toBe(200);
    expect(response.headers.etag).toBe('"3"');
    expect(response.json()).toEqual({ name: 'Ana', version: 3 });
  });

  it.each(['"3"', 'W/"3"', '"1", "3"', '"1",W/"3" , "x"', '*', ' * '])(
    'returns 304 and no body to If-None-Match: %s',
    async (known) => {
      const app = await resourceApp();
      for (const method of ['GET', 'HEAD'] as const) {
        const response = await app.inject({ method, url: '/it', headers: { 'if-none-match': known } });
        expect(response.statusCode).toBe(304);
        expect(response.body).toBe('');
        expect(response.headers.etag).toBe('"3"');
      }
    },
  );

  it.each(['"2"', 'W/"2"', '3', '"33"', '""', ''])('returns everything to If-None-Match: %j', async (known) => {
    const app = await resourceApp();
    const response = await app.inject({ url: '/it', headers: { 'if-none-match': known } });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ name: 'Ana' });
  });
});

describe('a write', () => {
  const patch = async (headers: Record<string, string>) => {
    const app = await resourceApp();
    const response = await app.inject({ method: 'PATCH', url: '/it', headers });
    const { version } = (await app.inject('/it')).json<{ version: number }>();
    return { response, version };
  };

  it.each(['3', '"3', '3"', '', ' ', '"3" "3"', 'w/"3"', '*, "3"', '"3";', '"3", 4'])(
    'is rejected with If-Match: %j, which is not an ETag',
    async (known) => {
      const { response, version } = await patch({ 'if-match': known });
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/if-match' }] });
      expect(version).toBe(3);
    },
  );

  it.each([undefined, '"3"', '*', '"1", "3"'])('is done with If-Match: %s', async (known) => {
    const { response, version } = await patch(known === undefined ? {} : { 'if-match': known });
    expect(response.statusCode).toBe(200);
    expect(response.headers.etag).toBe('"4"');
    expect(version).toBe(4);
  });

  it.each(['"2"', 'W/"3"', '"1", "2"', '""', '"3/monday"', ', "2",'])(
    'is refused with 412 and not done with If-Match: %j',
    async (known) => {
      const { response, version } = await patch({ 'if-match': known });
      expect(response.statusCode).toBe(412);
      expect(response.json()).toMatchObject({ code: 'precondition-failed' });
      expect(version).toBe(3);
    },
  );

  it('returns everything whatever If-None-Match names', async () => {
    const { response } = await patch({ 'if-none-match': '"4"' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ name: 'Ana', version: 4 });
  });
});

describe('a version with several views', () => {
  /** A week at version 3, of which a request reads one day. */
  async function viewApp() {
    const { app } = await bareApp();
    app.get<{ Params: { day: string } }>('/week/:day', async (request, reply) => {
      sendTagged(request, reply, { day: request.params.day }, 3, request.params.day);
      return reply;
    });
    app.put('/week', async (request) => {
      preconditionOf(request, true).check(3);
      return {};
    });
    return app;
  }

  it('has another ETag for each', async () => {
    const app = await viewApp();
    const tags = [];
    for (const day of ['monday', 'tuesday']) tags.push((await app.inject(`/week/${day}`)).headers.etag);
    expect(tags).toEqual(['"3/monday"', '"3/tuesday"']);
    const statusOf = async (day: string) =>
      (await app.inject({ url: `/week/${day}`, headers: { 'if-none-match': '"3/monday"' } })).statusCode;
    expect([await statusOf('monday'), await statusOf('tuesday')]).toEqual([304, 200]);
  });

  it.each([
    ['"3/monday"', 200],
    ['"3"', 200],
    ['"1", "3/x"', 200],
    ['"2/monday"', 412],
    ['"33/monday"', 412],
    ['"3-monday"', 412],
    ['W/"3/monday"', 412],
    ['"3/monday', 400],
  ])('is changed with the ETag of any view of it: If-Match %s gives %i', async (known, status) => {
    const app = await viewApp();
    const response = await app.inject({ method: 'PUT', url: '/week', headers: { 'if-match': known } });
    expect(response.statusCode).toBe(status);
  });
});
