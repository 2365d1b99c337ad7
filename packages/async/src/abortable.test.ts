import { describe, expect, it } from 'vitest';
import { abortable } from './abortable.ts';

const LEAVING = new Error('the caller has left');

describe('abortable work', () => {
  it('returns its result, with and without a signal', async () => {
    expect(await abortable(Promise.resolve(1))).toBe(1);
    expect(await abortable(Promise.resolve(1), new AbortController().signal)).toBe(1);
  });

  it('rejects with the reason of the signal, and may fail later', async () => {
    const caller = new AbortController();
    const work = Promise.withResolvers<void>();
    const waiting = abortable(work.promise, caller.signal);
    caller.abort(LEAVING);
    await expect(waiting).rejects.toBe(LEAVING);
    work.reject(new Error('an unhandled rejection would fail this test'));
  });

  it('rejects when the signal was aborted before, and may fail later', async () => {
    const work = Promise.withResolvers<void>();
    await expect(abortable(work.promise, AbortSignal.abort(LEAVING))).rejects.toBe(LEAVING);
    await expect(abortable(Promise.resolve(1), AbortSignal.abort(LEAVING))).rejects.toBe(LEAVING);
    work.reject(new Error('an unhandled rejection would fail this test'));
  });
});
