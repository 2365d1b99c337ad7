import { Latch } from '@daybook/async';
import { expect, it } from 'vitest';
import { createBoundedQueue } from './bounded-queue.ts';

it('a queue runs and keeps so much work, and refuses more until some is done', async () => {
  const queue = createBoundedQueue({ running: 2, waiting: 3 });
  const latch = new Latch<void>();
  let [running, most] = [0, 0];
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    await latch.wait();
    running -= 1;
    return 'done';
  };
  const accepted = Array.from({ length: 5 }, () => queue.run(work));
  const refused = { code: 'service-unavailable', extras: { retryAfterSeconds: 2 } };
  await expect(queue.run(work)).rejects.toMatchObject(refused);
  latch.open();
  expect(await Promise.all(accepted)).toEqual(Array(5).fill('done'));
  expect(most).toBe(2);
  expect(await queue.run(work)).toBe('done');
});

it('a queue takes more work after some has failed', async () => {
  const queue = createBoundedQueue({ running: 1, waiting: 0 });
  const failing = () => queue.run(() => Promise.reject(new Error('failed')));
  for (let count = 0; count < 3; count += 1) await expect(failing()).rejects.toThrow('failed');
  expect(await queue.run(async () => 1)).toBe(1);
});
