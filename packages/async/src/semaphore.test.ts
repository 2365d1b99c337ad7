import { describe, expect, it } from 'vitest';
import { Semaphore } from './semaphore.ts';

/** Starts `count` tasks under a semaphore. Each ends when the test ends it. */
function startTasks(permits: number, count: number) {
  const semaphore = new Semaphore(permits);
  const begun: number[] = [];
  const tasks = Array.from({ length: count }, () => Promise.withResolvers<string>());
  const results = tasks.map((task, index) =>
    semaphore.run(() => {
      begun.push(index);
      return task.promise;
    }),
  );
  return { semaphore, begun, tasks, results };
}

describe('a semaphore', () => {
  it('runs as many tasks as it has permits, and the others in order of arrival', async () => {
    const { begun, tasks, results } = startTasks(2, 4);
    expect(begun).toEqual([0, 1]);
    tasks[1]?.resolve('second');
    expect(await results[1]).toBe('second');
    await expect.poll(() => begun).toEqual([0, 1, 2]);
    tasks[0]?.resolve('first');
    await expect.poll(() => begun).toEqual([0, 1, 2, 3]);
  });

  it('takes the permit back from a task that fails', async () => {
    const { semaphore, begun, tasks, results } = startTasks(1, 2);
    tasks[0]?.reject(new Error('broken'));
    await expect(results[0]).rejects.toThrow('broken');
    await expect.poll(() => begun).toEqual([0, 1]);
    tasks[1]?.resolve('done');
    expect(await results[1]).toBe('done');
    expect(await semaphore.run(async () => 'free again')).toBe('free again');
  });

  it('does not start a new caller before one that waits', async () => {
    const { semaphore, begun, tasks, results } = startTasks(1, 2);
    tasks[0]?.resolve('done');
    await results[0];
    const late = semaphore.run(async () => begun.push(2));
    tasks[1]?.resolve('done');
    await late;
    expect(begun).toEqual([0, 1, 2]);
  });
});
