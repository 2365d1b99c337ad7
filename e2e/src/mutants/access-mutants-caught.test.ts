/**
 * Proves the tests of access: each mutant fails at least one of them.
 * A sample by default; `DAYBOOK_ACCESS_MUTANTS=all` runs all of them.
 */
import { availableParallelism } from 'node:os';
import { Semaphore } from '@daybook/async';
import { describe, it } from 'vitest';
import { ACCESS_MUTANTS } from './access-mutants.ts';
import { findingsOf } from './run-mutant.ts';

const isWhole = process.env.DAYBOOK_ACCESS_MUTANTS === 'all';
const mutants = ACCESS_MUTANTS.filter(({ isSample }) => isWhole || isSample);

/** The run of a mutant has one worker. */
const processors = new Semaphore(availableParallelism());

describe.concurrent('a build that lacks a condition of access', () => {
  it.for(mutants)('is caught: $name', { timeout: 30 * 60_000 }, async (mutant, { expect }) => {
    expect(await processors.run(() => findingsOf(mutant))).not.toEqual([]);
  });
});
