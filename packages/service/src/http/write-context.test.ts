import { describe, expect, it } from 'vitest';
import { bareApp } from '../testing.ts';
import { writeContextOf } from './write-context.ts';

describe('a write', () => {
  it('is awaited while its client is there, also when all of its body has come, and no longer', async () => {
    const { app } = await bareApp();
    const arrived = Promise.withResolvers<() => boolean | undefined>();
    const over = Promise.withResolvers<void>();
    app.post('/it', async (request) => {
      arrived.resolve(() => writeContextOf(request).isCallerWaiting?.());
      await over.promise;
      return {};
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const client = new AbortController();
    const pending = fetch(`${url}/it`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
      signal: client.signal,
    });
    const isCallerWaiting = await arrived.promise;
    expect(isCallerWaiting()).toBe(true);
    client.abort();
    await expect(pending).rejects.toThrow();
    await expect.poll(isCallerWaiting).toBe(false);
    over.resolve();
  });

  it('is not awaited after the response that it took too long', async () => {
    const { app } = await bareApp();
    app.post('/it', async (request) => {
      request.deadline = performance.now();
      return { awaited: writeContextOf(request).isCallerWaiting?.() };
    });
    expect((await app.inject({ method: 'POST', url: '/it' })).json()).toEqual({ awaited: false });
  });
});
