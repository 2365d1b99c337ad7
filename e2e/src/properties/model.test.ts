/**
 * The running system behaves like a simple model of the product, for any calls in any order and concurrency.
 * The model (`model/`) is written from the documents, not from the code.
 * DAYBOOK_MODEL_SEED repeats a test, DAYBOOK_MODEL_RUNS makes it longer.
 */
import type { System } from '@daybook/launcher';
import { clientOf, temporaryFolder } from '@daybook/testing';
import { databaseKind } from '@daybook/testing/databases';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';
import { makeWorld } from './model/clinic.ts';
import { moveClock } from './model/clock.ts';
import { commands } from './model/commands.ts';
import { checkHistoryAndMessages } from './model/observe.ts';

const DEFAULT_SEED = 20_261_123;
const SEED = Number(process.env.DAYBOOK_MODEL_SEED ?? DEFAULT_SEED);
/** Fewer runs on a server, which responds more slowly. */
const DEFAULT_RUNS = databaseKind === 'sqlite' ? 40 : 4;
const RUNS = Number(process.env.DAYBOOK_MODEL_RUNS ?? DEFAULT_RUNS);
/** Only then the coverage is known. */
const isAsAlways = databaseKind === 'sqlite' && RUNS === DEFAULT_RUNS && SEED === DEFAULT_SEED;
const COMMANDS = 80;
/** For one run; many times the usual duration. */
const MILLIS_A_RUN = 20_000;
const SHRINK_MILLIS = 20_000;

const stack = new AsyncDisposableStack();
let system: System;

beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  system = await startEmbedded(folder.path);
  stack.defer(() => system.close());
});
afterAll(() => stack.disposeAsync());

/** The outcomes that must occur at least once, because the test would cover too little otherwise. */
const DUE: Readonly<Record<string, readonly string[]>> = {
  book: [
    'slot-taken',
    'patient-busy',
    'hold-expired',
    'outside-availability',
    'too-soon',
    'too-far-ahead',
    'not-on-grid',
  ],
  'book-first-free': ['nothing-free', 'replayed'],
  hold: ['slot-taken', 'replayed'],
  'get-hold': ['not-found'],
  release: [],
  reschedule: ['slot-taken', 'wrong-status', 'precondition-failed', 'replayed'],
  change: ['wrong-status', 'slot-taken', 'precondition-failed'],
  cancel: ['wrong-status', 'precondition-failed'],
  'take-step': ['wrong-status', 'not-the-day'],
  'step-back': ['wrong-status', 'slot-taken', 'replayed'],
  'add-exception': ['invalid-interval', 'replayed'],
  'remove-exception': [],
  'replace-schedule': ['overlapping-hours'],
  'change-doctor': [],
  'change-patient': [],
  'register-patient': [],
  'add-type': [],
  'change-type': [],
  'find-slots': ['range-too-long'],
  explain: [],
  get: [],
  history: [],
  list: [],
};

function expectMet(covered: ReadonlySet<string>): void {
  const due = Object.entries(DUE).flatMap(([what, outcomes]) => ['done', ...outcomes].map((how) => `${what} ${how}`));
  expect(due.filter((one) => !covered.has(one))).toEqual([]);
}

/** Reports the fault, the calls before it, and how to reproduce it. */
function reportOf<Value>(details: fc.RunDetails<Value>): string {
  const { errorInstance } = details;
  return `${errorInstance instanceof Error ? errorInstance.message : errorInstance}\n${fc.defaultReportMessage(details)}`;
}

it(
  'responds as the model does, to any number of simultaneous requests',
  async () => {
    const client = clientOf(system);
    const clock = moveClock();
    const covered = new Set<string>();
    let runs = 0;
    const property = fc.asyncProperty(fc.commands(commands, { maxCommands: COMMANDS, size: 'max' }), async (chosen) => {
      runs += 1;
      const world = await makeWorld({ client, clock, covered, name: `run${runs}` });
      await fc.asyncModelRun(() => ({ model: world, real: world }), chosen);
      await checkHistoryAndMessages(world);
    });
    // The first check does not shrink. Then the failure is shrunk for a limited time. Shrinking itself is unlimited,
    // and a race may not recur.
    const found = await fc.check(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
    if (!found.failed && isAsAlways) expectMet(covered);
    if (!found.failed) return;
    const path = found.counterexamplePath ?? '';
    const smaller = await fc.check(property, { seed: SEED, path, interruptAfterTimeLimit: SHRINK_MILLIS });
    expect.fail(reportOf(smaller.failed ? smaller : found));
  },
  RUNS * MILLIS_A_RUN + 2 * SHRINK_MILLIS,
);
