import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { settlesWithin, withDeadline } from './deadline.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = () => new Promise<never>(() => undefined);

describe('a deadline', () => {
  it('returns the result of work that ends in time, and leaves no timer', async () => {
    expect(await withDeadline(Promise.resolve('done'), 100, 'work')).toBe('done');
    await expect(withDeadline(Promise.reject(new Error('broken')), 100, 'work')).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects with the name of the work at its time, and not before', async () => {
    const failed = vi.fn();
    const waiting = withDeadline(never(), 100, 'work').catch(failed);
    await vi.advanceTimersByTimeAsync(99);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(failed).toHaveBeenCalledExactlyOnceWith(new Error('work: not within 100 ms'));
  });

  it('rejects with the error that a function returns then', async () => {
    let output = 'early';
    const waiting = withDeadline(never(), 100, () => new Error(output));
    const expected = expect(waiting).rejects.toThrow('late');
    output = 'late';
    await vi.advanceTimersByTimeAsync(100);
    await expected;
  });
});

describe('work settles within its time', () => {
  it('when it succeeds or fails', async () => {
    expect(await settlesWithin(Promise.resolve(), 100)).toBe(true);
    expect(await settlesWithin(Promise.reject(new Error('broken')), 100)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('or not, and may fail later', async () => {
    const work = Promise.withResolvers<void>();
    const settled = settlesWithin(work.promise, 100);
    await vi.advanceTimersByTimeAsync(100);
    expect(await settled).toBe(false);
    work.reject(new Error('an unhandled rejection would fail this test'));
  });
});
