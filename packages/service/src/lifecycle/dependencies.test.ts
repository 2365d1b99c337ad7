import { DatabaseUnavailable } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { readableLog } from '../testing.ts';
import { waitForDependency } from './dependencies.ts';

const never = new AbortController().signal;

function unavailableUntil(attempts: number) {
  const state = { checks: 0 };
  const check = async () => {
    state.checks += 1;
    if (state.checks <= attempts) throw new DatabaseUnavailable(new Error('secret of a row'));
  };
  return { state, check };
}

describe('a process that waits for a dependency', () => {
  it('checks once where it works, and logs nothing', async () => {
    const { logger, lines } = readableLog();
    const { state, check } = unavailableUntil(0);
    await waitForDependency('database', { check }, logger, never);
    expect(state.checks).toBe(1);
    expect(lines).toEqual([]);
  });

  it('checks until it works, and logs that once however long it takes', async () => {
    const { logger, lines } = readableLog();
    let isThere = false;
    const check = async () => {
      if (!isThere) throw new DatabaseUnavailable(Object.assign(new Error('row of ana'), { code: 'ECONNREFUSED' }));
    };
    const waiting = waitForDependency('database', { check }, logger, never);
    await expect.poll(() => lines.join(), { timeout: 10_000 }).toContain('dependency not ready');
    isThere = true;
    await waiting;
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"reason":"ECONNREFUSED"');
    expect(lines[1]).toContain('dependency ready');
    expect(lines.join()).not.toContain('ana');
  });

  it('goes on without it when its patience is over', async () => {
    const { logger, lines } = readableLog();
    const { check } = unavailableUntil(Number.POSITIVE_INFINITY);
    await waitForDependency('bus', { check, patienceMillis: 50 }, logger, never);
    expect(lines.join()).toContain('dependency skipped');
  });

  it('stops when it is aborted', async () => {
    const { logger } = readableLog();
    const { check } = unavailableUntil(Number.POSITIVE_INFINITY);
    const stopping = new AbortController();
    const waiting = waitForDependency('database', { check }, logger, stopping.signal);
    stopping.abort(new Error('aborted'));
    await expect(waiting).rejects.toThrow();
  });
});
