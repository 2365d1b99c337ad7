import { expect, it, onTestFinished } from 'vitest';
import { captureLog } from '../testing.ts';
import { startWorker } from './worker.ts';

it('a worker logs a series of failures once, and the next series again', async () => {
  const { logger, lines } = captureLog();
  let runs = 0;
  let isBroken = true;
  const worker = startWorker({
    runAll: async () => {
      runs += 1;
      if (isBroken) throw new Error('broken');
    },
    logger,
    failureMessage: 'work not done',
    errorFields: () => ({ reason: 'broken' }),
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
  expect(lines.filter((line) => line.includes('work not done'))).toHaveLength(1);
  isBroken = false;
  await runTimes(2);
  isBroken = true;
  await runTimes(3);
  expect(lines.filter((line) => line.includes('work not done'))).toHaveLength(2);
});

it('a worker aborts its work when it closes, and resolves when that has ended', async () => {
  const { logger } = captureLog();
  let isWorking = false;
  const worker = startWorker({
    runAll: async (closing) => {
      isWorking = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      closing.addEventListener('abort', () => resolve());
      await promise;
      isWorking = false;
    },
    logger,
    failureMessage: 'work not done',
    errorFields: () => ({}),
  });
  await expect.poll(() => isWorking).toBe(true);
  await worker.close();
  expect(isWorking).toBe(false);
});
