import { describe, expect, it } from 'vitest';
import { createCoalescer } from './coalesce.ts';

/** Loads values that resolve when the test says so. */
function startCoalescer() {
  const calls: PromiseWithResolvers<number>[] = [];
  const coalesce = createCoalescer<number>();
  const load = () => {
    const call = Promise.withResolvers<number>();
    calls.push(call);
    return call.promise;
  };
  return { calls, request: (key = 'a') => coalesce(key, load) };
}

describe('simultaneous callers of the same value', () => {
  it('share one result, which was requested after all of them had called', async () => {
    const { calls, request } = startCoalescer();
    const first = request();
    const [second, third] = [request(), request()];
    expect(calls).toHaveLength(1);
    calls[0]?.resolve(1);
    expect(await first).toBe(1);
    await expect.poll(() => calls.length).toBe(2);
    calls[1]?.resolve(2);
    expect(await Promise.all([second, third])).toEqual([2, 2]);
    expect(calls).toHaveLength(2);
  });

  it('do not wait for callers of another value', async () => {
    const { calls, request } = startCoalescer();
    const [first, other] = [request('a'), request('b')];
    expect(calls).toHaveLength(2);
    calls[1]?.resolve(2);
    expect(await other).toBe(2);
    calls[0]?.resolve(1);
    expect(await first).toBe(1);
  });

  it('all get a failure, and a later caller starts a new call', async () => {
    const { calls, request } = startCoalescer();
    const first = request();
    const waiting = [request(), request()];
    calls[0]?.reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await expect.poll(() => calls.length).toBe(2);
    calls[1]?.reject(new Error('still down'));
    for (const one of waiting) await expect(one).rejects.toThrow('still down');
    const again = request();
    calls[2]?.resolve(3);
    expect(await again).toBe(3);
  });
});
