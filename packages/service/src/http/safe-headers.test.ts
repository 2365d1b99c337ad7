import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';
import { sendVersioned } from './etag.ts';

const SAFE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

async function thingApp() {
  const { app } = await bareApp();
  app.get('/thing', async (request, reply) => {
    sendVersioned(request, reply, { version: 1, name: 'Ana' });
    return reply;
  });
  app.get('/failing', async () => {
    throw new Error('nonsense');
  });
  app.get('/public', (_request, reply) => reply.header('cache-control', 'public, max-age=60').send({}));
  return app;
}

describe('every response is marked as not stored and not to be sniffed', () => {
  it.each([
    ['/thing', 200, {}],
    ['/thing', 304, { 'if-none-match': '"1"' }],
    ['/failing', 500, {}],
    ['/nothing', 404, {}],
    ['/%', 400, {}],
    ['/health/live', 200, {}],
    ['/openapi.json', 200, {}],
  ] as const)('%s, %i', async (url, status, headers) => {
    const response = await (await thingApp()).inject({ url, headers });
    expect(response.statusCode).toBe(status);
    expect(response.headers).toMatchObject(SAFE);
  });

  it.each([
    ['what cannot be read', 'nonsense\r\n\r\n', 400],
    ['an Expect', 'GET /thing HTTP/1.1\r\nhost: x\r\nexpect: foo\r\n\r\n', 417],
    ['a tunnel', 'CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  ])('%s', async (_what, bytes, status) => {
    const app = await thingApp();
    onTestFinished(() => app.close());
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(bytes);
    const response = await text(socket);
    expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(response).toMatch(/^cache-control: no-store\r$/m);
    expect(response).toMatch(/^x-content-type-options: nosniff\r$/m);
  });
});

it('a route may let its response be stored', async () => {
  const { headers } = await (await thingApp()).inject('/public');
  expect(headers).toMatchObject({ ...SAFE, 'cache-control': 'public, max-age=60' });
});
