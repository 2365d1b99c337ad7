import { DatabaseUnavailable } from '@daybook/database';
import { expect, it, onTestFinished } from 'vitest';
import { captureLog } from '../testing.ts';
import { startWorker, type WorkerOptions } from './worker.ts';

/** The options of a worker that never has work. */
const nothingDue: Omit<WorkerOptions<string>, 'logger'> = {
  next: async () => undefined,
  run: async () => undefined,
  postpone: async () => undefined,
  fieldsOf: (item) => ({ item }),
  messages: { runFailed: 'work not done', readFailed: 'work not read' },
};

it('a worker logs a series of failures once, and the next series again', async () => {
  const { logger, lines } = captureLog();
  let runs = 0;
  let isBroken = true;
  const worker = startWorker({
    ...nothingDue,
    next: async () => {
      runs += 1;
      if (isBroken) throw new Error('broken');
      return undefined;
    },
    logger,
  });
  onTestFinished(() => worker.close());
  const runTimes = async (count: number) => {
    const before = runs;
    const wakeAndCount = () => {
      worker.wake();
      return runs;
    };
    await expect.poll(wakeAndCount).toBeGreaterThanOrEqual(before + count);
  };
  await runTimes(3);
  expect(lines.filter((line) => line.includes('work not read'))).toHaveLength(1);
  isBroken = false;
  await runTimes(2);
  isBroken = true;
  await runTimes(3);
  expect(lines.filter((line) => line.includes('work not read'))).toHaveLength(2);
});

it('a worker aborts its work when it closes, and resolves when that has ended', async () => {
  const { logger } = captureLog();
  let isWorking = false;
  const worker = startWorker({
    ...nothingDue,
    next: async () => 'item',
    run: async (_, closing) => {
      isWorking = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      closing.addEventListener('abort', () => resolve());
      await promise;
      isWorking = false;
    },
    logger,
  });
  await expect.poll(() => isWorking).toBe(true);
  await worker.close();
  expect(isWorking).toBe(false);
});

it('a worker postpones an item that fails, logs it, and does the next one', async () => {
  const { logger, readLog } = captureLog();
  const due = ['bad', 'good'];
  const postponed: string[] = [];
  const done: string[] = [];
  const worker = startWorker({
    ...nothingDue,
    next: async () => due.shift(),
    run: async (item) => {
      if (item === 'bad') throw new DatabaseUnavailable(undefined);
      done.push(item);
    },
    postpone: async (item) => void postponed.push(item),
    logger,
  });
  onTestFinished(() => worker.close());
  await expect.poll(() => done).toEqual(['good']);
  expect(postponed).toEqual(['bad']);
  expect(await readLog()).toMatchObject([
    { msg: 'work not done', item: 'bad', reason: 'The database is not available.' },
  ]);
});
