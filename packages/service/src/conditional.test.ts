import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { preconditionOf, sendVersioned } from './conditional.ts';
import { bareApp } from './testing.ts';

/** One resource, at version 3 to begin with. */
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
  it('tells the version as a strong ETag', async () => {
    const app = await resourceApp();
    const answer = await app.inject('/it');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).toBe('"3"');
    expect(answer.json()).toEqual({ name: 'Ana', version: 3 });
  });

  it.each(['"3"', 'W/"3"', '"1", "3"', '"1",W/"3" , "x"', '*', ' * '])(
    'is answered with 304 and no body to If-None-Match: %s',
    async (known) => {
      const app = await resourceApp();
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await app.inject({ method, url: '/it', headers: { 'if-none-match': known } });
        expect(answer.statusCode).toBe(304);
        expect(answer.body).toBe('');
        expect(answer.headers.etag).toBe('"3"');
      }
    },
  );

  it.each(['"2"', 'W/"2"', '3', '"33"', '""', ''])('is answered in full to If-None-Match: %j', async (known) => {
    const app = await resourceApp();
    const answer = await app.inject({ url: '/it', headers: { 'if-none-match': known } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ name: 'Ana' });
  });
});

describe('a write', () => {
  const patch = async (headers: Record<string, string>) => {
    const app = await resourceApp();
    const answer = await app.inject({ method: 'PATCH', url: '/it', headers });
    const { version } = (await app.inject('/it')).json<{ version: number }>();
    return { answer, version };
  };

  it.each([undefined, '"3"', '*', '"1", "3"'])('is done with If-Match: %s', async (known) => {
    const { answer, version } = await patch(known === undefined ? {} : { 'if-match': known });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).toBe('"4"');
    expect(version).toBe(4);
  });

  it.each(['"2"', 'W/"3"', '3', '"1", "2"', ''])(
    'is refused with 412 and not done with If-Match: %j',
    async (known) => {
      const { answer, version } = await patch({ 'if-match': known });
      expect(answer.statusCode).toBe(412);
      expect(answer.json()).toMatchObject({ code: 'precondition-failed' });
      expect(version).toBe(3);
    },
  );

  it('is answered in full whatever If-None-Match says', async () => {
    const { answer } = await patch({ 'if-none-match': '"4"' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ name: 'Ana', version: 4 });
  });
});
