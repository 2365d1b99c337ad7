import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';

const text = (length: number) => JSON.stringify({ text: 'Ana '.repeat(length) }).slice(0, length - 2);
const large = text(1024);

async function textApp() {
  const { app } = await bareApp();
  app.get<{ Querystring: { length?: string } }>('/text', async ({ query }, reply) =>
    reply
      .type('application/json; charset=utf-8')
      .header('etag', '"1"')
      .send(text(Number(query.length ?? 1024) + 2)),
  );
  app.get('/secret', { compress: false }, async (_request, reply) => reply.type('application/json').send(large));
  app.post('/text', async (request) => request.body);
  return app;
}

describe('a response', () => {
  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip;q=1.0, br;q=0.1', 'gzip', gunzipSync],
  ])('of 1 kB is compressed for a client that accepts %s', async (accepted, encoding, decompress) => {
    const app = await textApp();
    const response = await app.inject({ url: '/text', headers: { 'accept-encoding': accepted } });
    expect(response.headers).toMatchObject({
      'content-encoding': encoding,
      vary: expect.stringMatching(/accept-encoding/i),
    });
    expect(response.headers['content-length']).toBe(String(response.rawPayload.length));
    expect(response.rawPayload.length).toBeLessThan(200);
    expect(decompress(response.rawPayload).toString()).toBe(text(1026));
  });

  it.each([undefined, 'identity', 'gzip;q=0', 'br;q=0, gzip;q=0', 'compress'])(
    'is sent as it is to a client that accepts %s',
    async (accepted) => {
      const app = await textApp();
      const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
      const response = await app.inject({ url: '/text', headers });
      expect(response.headers['content-encoding']).toBeUndefined();
      expect(response.body).toBe(text(1026));
    },
  );

  it('that is shorter is sent as it is', async () => {
    const app = await textApp();
    const response = await app.inject({ url: '/text?length=1023', headers: { 'accept-encoding': 'gzip' } });
    expect(response.headers['content-encoding']).toBeUndefined();
    expect(response.body).toHaveLength(1023);
  });

  it('to HEAD names no other length than that to GET', async () => {
    const app = await textApp();
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => app.close());
    for (const [path, encoding] of [
      ['/text', 'gzip'],
      ['/text', 'identity'],
      ['/text?length=10', 'gzip'],
    ] as const) {
      const request = { headers: { 'accept-encoding': encoding }, signal: AbortSignal.timeout(5_000) };
      const [get, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => fetch(`${url}${path}`, { method, ...request })),
      );
      expect([get?.headers.get('content-length'), null]).toContain(head?.headers.get('content-length'));
      expect(await head?.text()).toBe('');
    }
  });

  it('that holds a secret beside text of its caller is not compressed where its route disables that', async () => {
    const app = await textApp();
    const response = await app.inject({ url: '/secret', headers: { 'accept-encoding': 'gzip' } });
    expect(response.headers['content-encoding']).toBeUndefined();
    expect(response.body).toBe(large);
  });
});

it('a request that is compressed is not unpacked: it is malformed', async () => {
  const app = await textApp();
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const response = await app.inject({
    method: 'POST',
    url: '/text',
    headers,
    payload: Buffer.from([0x1f, 0x8b, 8, 0]),
  });
  expect(response.statusCode).toBe(400);
});
