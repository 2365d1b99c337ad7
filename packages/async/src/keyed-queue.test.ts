import { describe, expect, it } from 'vitest';
import { KeyedQueue } from './keyed-queue.ts';

/** Creates a queue whose tasks end when the test ends them. */
function startQueue() {
  const queue = new KeyedQueue();
  const begun: string[] = [];
  const run = (name: string, ...keys: string[]) => {
    const task = Promise.withResolvers<string>();
    const result = queue.run(keys, () => {
      begun.push(name);
      return task.promise;
    });
    return { ...task, result };
  };
  return { queue, begun, run };
}

/** Lets all microtasks run. */
const settle = () => new Promise(setImmediate);

describe('a keyed queue', () => {
  it('runs tasks that share a key in the order of the calls, and others without waiting', async () => {
    const { begun, run } = startQueue();
    const first = run('first', 'a', 'x');
    const second = run('second', 'b', 'x');
    const third = run('third', 'b', 'y');
    run('alone', 'c');
    await settle();
    expect(begun).toEqual(['first', 'alone']);
    first.resolve('done');
    expect(await first.result).toBe('done');
    await settle();
    expect(begun).toEqual(['first', 'alone', 'second']);
    second.resolve('done');
    await settle();
    expect(begun).toEqual(['first', 'alone', 'second', 'third']);
    third.resolve('done');
    expect(await third.result).toBe('done');
  });

  it('reports a failure to its caller alone, and runs the next task', async () => {
    const { run } = startQueue();
    const failing = run('failing', 'a');
    const next = run('next', 'a');
    failing.reject(new Error('broken'));
    next.resolve('done');
    await expect(failing.result).rejects.toThrow('broken');
    expect(await next.result).toBe('done');
  });

  it('is drained when the present tasks have ended, whether they fail or wait', async () => {
    const { queue, run } = startQueue();
    const [running, waiting, other] = [run('running', 'a'), run('waiting', 'a'), run('other', 'b')];
    let isDrained = false;
    const draining = queue.drain().then(() => {
      isDrained = true;
    });
    running.resolve('done');
    other.reject(new Error('broken'));
    await expect(other.result).rejects.toThrow('broken');
    await settle();
    expect(isDrained).toBe(false);
    waiting.resolve('done');
    await draining;
    await queue.drain();
  });
});
