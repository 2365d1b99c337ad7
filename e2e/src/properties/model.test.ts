/**
 * The running system does what a simple model of the product does, whatever is asked, in whatever order, by however many at
 * once. The model (`model/`) is written from the documents, not from the code. DAYBOOK_MODEL_SEED repeats a test,
 * DAYBOOK_MODEL_RUNS makes it longer.
 */
import { createClient } from '@daybook/client';
import type { System } from '@daybook/launcher';
import { temporaryFolder } from '@daybook/testing';
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
/** A few on a server: what it is asked takes longer there. */
const DEFAULT_RUNS = databaseKind === 'sqlite' ? 40 : 4;
const RUNS = Number(process.env.DAYBOOK_MODEL_RUNS ?? DEFAULT_RUNS);
/** Only then it is known what it comes to. */
const isAsAlways = databaseKind === 'sqlite' && RUNS === DEFAULT_RUNS && SEED === DEFAULT_SEED;
const COMMANDS = 80;
/** For a run; many times what it takes. */
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

/** How calls are to be answered at least once, or the test has tried less than it says. */
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

/** What was wrong, after which calls, and how to see it again. */
function reportOf<Value>(details: fc.RunDetails<Value>): string {
  const { errorInstance } = details;
  return `${errorInstance instanceof Error ? errorInstance.message : errorInstance}\n${fc.defaultReportMessage(details)}`;
}

it(
  'answers as the model does, whatever is asked by however many at once',
  async () => {
    const client = createClient({ baseUrl: system.url });
    const clock = moveClock();
    const covered = new Set<string>();
    let runs = 0;
    const property = fc.asyncProperty(fc.commands(commands, { maxCommands: COMMANDS, size: 'max' }), async (chosen) => {
      runs += 1;
      const world = await makeWorld({ client, clock, covered, name: `run${runs}` });
      await fc.asyncModelRun(() => ({ model: world, real: world }), chosen);
      await checkHistoryAndMessages(world);
    });
    // First as it comes, then what was found is made smaller, for a while: shrinking has no end of its own in time, and what
    // came of a race may not come again.
    const found = await fc.check(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
    if (!found.failed && isAsAlways) expectMet(covered);
    if (!found.failed) return;
    const path = found.counterexamplePath ?? '';
    const smaller = await fc.check(property, { seed: SEED, path, interruptAfterTimeLimit: SHRINK_MILLIS });
    expect.fail(reportOf(smaller.failed ? smaller : found));
  },
  RUNS * MILLIS_A_RUN + 2 * SHRINK_MILLIS,
);
