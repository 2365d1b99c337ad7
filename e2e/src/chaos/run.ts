/** Runs rounds of chaos: faults while clients work, then recovery, quiescence and the check of the rules. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortable } from '@daybook/async';
import { makeClinic, registerPatient } from '@daybook/testing';
import { randomNumbers } from '../support/random.ts';
import { SERVERS_HOST } from './addresses.ts';
import { clientOf, type Entrance } from './attempt.ts';
import { type CallLog, openCallLog } from './call-log.ts';
import { waitUntil } from './child-process.ts';
import { type Clients, type Clinic, createClients } from './clients.ts';
import type { ChaosConfig } from './config.ts';
import { type RecordedEvent, readQueues, readRecordedEvents } from './event-recorder.ts';
import { createFaults, type Faults } from './faults.ts';
import { type FinalState, readDatabases, readProgress, readRemainingRows, withConnection } from './final-state.ts';
import { createPlan, deckOf, type Fault, type PlannedFault } from './plan.ts';
import { RULES } from './rules/index.ts';
import { findSlotViolations } from './slots.ts';
import { startTestbed, type Testbed } from './testbed.ts';

const DOCTORS = 3;
const PATIENTS = 6;
const DAYS_AHEAD = 7;
const SETTLE_MILLIS = 60_000;
const READY_MILLIS = 90_000;
const DRAIN_MILLIS = 120_000;
/** Longer than any pause between attempts. Without progress for this time, none will come. */
const STALL_MILLIS = 30_000;
const QUEUE_DRAIN_MILLIS = 20_000;
/** For each rule, because more would add no information. */
const MAX_VIOLATIONS_PER_RULE = 10;

export interface RunOptions extends ChaosConfig {
  readonly sources: string;
  readonly folder: string;
  readonly roundMillis: number;
  readonly gapMillis: number;
  /** The faults; by default all that the machine supports. */
  readonly deck?: readonly Fault[];
  /** The time without progress after which a wait fails; by default longer than any pause between attempts. */
  readonly stallMillis?: number;
  /** Aborts the run. */
  readonly signal?: AbortSignal;
  print(line: string): void;
}

export interface Violation {
  readonly rule: string;
  readonly detail: string;
}

export interface RunReport {
  readonly seed: number;
  readonly rounds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly responses: Readonly<Record<string, number>>;
  readonly appointments: number;
  readonly events: number;
  readonly messages: number;
  readonly violations: readonly Violation[];
}

async function setUp(system: Entrance): Promise<{ clinic: Clinic; patientId: string }> {
  const client = clientOf(system);
  const doctorIds: string[] = [];
  let typeId = '';
  for (let n = 0; n < DOCTORS; n += 1) {
    const { doctor, type } = await makeClinic(client);
    doctorIds.push(doctor.id);
    typeId ||= type.id;
  }
  const patients = [];
  for (let n = 0; n < PATIENTS; n += 1) patients.push(await registerPatient(client));
  const opens = Temporal.Now.zonedDateTimeISO('UTC').startOfDay().add({ days: DAYS_AHEAD }).toInstant().toString();
  const { id: patientId } = await registerPatient(client);
  return { clinic: { doctorIds, patientIds: patients.map(({ id }) => id), typeId, opens }, patientId };
}

/** Returns whether everything is delivered. `moves` changes with any progress. */
async function readDelivery(url: string): Promise<{ isDone: boolean; moves: string }> {
  return withConnection(url, async (connection) => {
    const { due, sent } = await readProgress(connection);
    const outboxes = [...(await readRemainingRows(connection))].filter(([where]) => where.endsWith('.outbox'));
    const isDone = sent >= due && outboxes.every(([, count]) => count === 0);
    return { isDone, moves: JSON.stringify([due, sent, outboxes]) };
  });
}

/**
 * Waits until everything is delivered.
 * @throws naming what is missing when progress stops
 */
async function waitUntilDelivered(url: string, stallMillis: number): Promise<void> {
  let [moves, movedAt] = ['', performance.now()];
  await waitUntil('everything is delivered', DRAIN_MILLIS, async () => {
    const now = await readDelivery(url);
    if (now.isDone) return true;
    if (now.moves !== moves) [moves, movedAt] = [now.moves, performance.now()];
    if (performance.now() - movedAt < stallMillis) return false;
    throw new Error(`nothing has moved for ${stallMillis / 1000} s (due, sent, outboxes): ${moves}`);
  });
}

/** Waits until no state changes any more. Returns a violation for each part that did not come to rest. */
async function quiesce(testbed: Testbed, clients: Clients, options: RunOptions): Promise<Violation[]> {
  const violations: Violation[] = [];
  const tryTo = async (rule: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      violations.push({ rule, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  const began = performance.now();
  await tryTo('every call has a response once all faults are healed', async () => {
    const unresolved = await clients.settle(SETTLE_MILLIS);
    if (unresolved > 0) throw new Error(`${unresolved} calls have none after ${SETTLE_MILLIS / 1000} s`);
  });
  await tryTo('every process is ready once all is well', () => testbed.system.untilReady(READY_MILLIS));
  await tryTo('every event is delivered once all is well', () =>
    waitUntilDelivered(testbed.database.urlAt(SERVERS_HOST), options.stallMillis ?? STALL_MILLIS),
  );
  options.print(`  at rest ${((performance.now() - began) / 1000).toFixed(1)} s after the last fault was over`);
  return violations;
}

/** Polls the queues, because the broker's counts lag behind acknowledgements. */
async function readDrainedQueues({ broker }: Testbed): Promise<ReadonlyMap<string, number>> {
  const deadline = performance.now() + QUEUE_DRAIN_MILLIS;
  for (;;) {
    const queues = readQueues(await broker.control('list_queues', '--silent', 'name', 'messages'));
    if ([...queues.values()].every((count) => count === 0) || performance.now() > deadline) return queues;
  }
}

async function collectFinalState(
  testbed: Testbed,
  calls: FinalState['calls'],
  recorded: RecordedEvent[],
): Promise<FinalState> {
  const databases = await withConnection(testbed.database.urlAt(SERVERS_HOST), readDatabases);
  recorded.push(...(await readRecordedEvents(testbed.broker.url)));
  return { ...databases, calls, queuedMessages: await readDrainedQueues(testbed), recorded };
}

function checkRules(state: FinalState): Violation[] {
  return RULES.flatMap(({ name, findViolations }) =>
    findViolations(state)
      .slice(0, MAX_VIOLATIONS_PER_RULE)
      .map((detail) => ({ rule: name, detail })),
  );
}

/** Done, refused by a rule, or without a response. */
const EXPECTED = /^(200|201|409 .+|422 .+|no response: .+)$/;

/** Returns the responses that no client may receive, and the exits that no process may have. */
function findUnexpected(responses: ReadonlyMap<string, number>, testbed: Testbed): Violation[] {
  const strange = [...responses].filter(([kind]) => !EXPECTED.test(kind));
  return [
    ...strange.map(([kind, count]) => ({ rule: 'no response is an internal error', detail: `${count} times ${kind}` })),
    ...testbed.system.unexpectedExits.map((detail) => ({ rule: 'no process exits unexpectedly', detail })),
  ];
}

async function writeFinalState(folder: string, state: FinalState): Promise<void> {
  const into = join(folder, 'final-state');
  await mkdir(into, { recursive: true });
  for (const [name, content] of Object.entries(state)) {
    const plain = content instanceof Map ? Object.fromEntries(content) : content;
    await writeFile(join(into, `${name}.json`), `${JSON.stringify(plain, undefined, 1)}\n`);
  }
}

/** The shared data of the rounds. */
interface RunContext {
  readonly testbed: Testbed;
  readonly clinic: Clinic;
  readonly clients: Clients;
  readonly log: CallLog;
  readonly faults: Faults;
  /** A patient with no visits except those of the checker. */
  readonly patientId: string;
  readonly random: () => number;
  /** The events of all rounds. */
  readonly recorded: RecordedEvent[];
}

async function runRound(context: RunContext, planned: readonly PlannedFault[], options: RunOptions) {
  const { testbed, clinic, clients, log, faults, patientId, random, recorded } = context;
  clients.work();
  await Promise.all([faults.inject(planned), sleep(options.roundMillis)]);
  const violations = await quiesce(testbed, clients, options);
  const state = await collectFinalState(testbed, log.calls, recorded);
  violations.push(...checkRules(state), ...findUnexpected(log.counts, testbed));
  const { system } = testbed;
  const wrong = await findSlotViolations({
    system,
    clinic,
    clients,
    patientId,
    reservations: state.reservations,
    random,
  });
  violations.push(...wrong.map((detail) => ({ rule: 'shown is bookable', detail })));
  return { violations, state };
}

async function runRounds(context: RunContext, options: RunOptions): Promise<RunReport> {
  const { seed, folder, seconds, roundMillis, gapMillis, signal, print } = options;
  const { testbed, log, faults, recorded } = context;
  const can = { jumpClocks: testbed.clocks !== undefined, fillDisks: testbed.disk !== undefined };
  const plan = createPlan({ seed, roundMillis, gapMillis, deck: options.deck ?? deckOf(can) });
  const endAt = performance.now() + seconds * 1000;
  for (let rounds = 1; ; rounds += 1) {
    const planned = plan();
    await writeFile(join(folder, `plan-${rounds}.json`), `${JSON.stringify(planned, undefined, 1)}\n`);
    print(`round ${rounds}`);
    const { violations, state } = await runRound(context, planned, options);
    if (violations.length > 0) await writeFinalState(folder, state);
    else if (performance.now() < endAt && !signal?.aborted) continue;
    return {
      ...{ seed, rounds, violations },
      faults: Object.fromEntries(faults.counts),
      responses: Object.fromEntries([...log.counts].toSorted()),
      appointments: state.appointments.length,
      events: new Set(recorded.map(({ id }) => id)).size,
      messages: state.messages.length,
    };
  }
}

/** Runs until the time is over or a round breaks a rule. Stops all its processes in any case. */
export async function runChaos(options: RunOptions): Promise<RunReport> {
  const { seed, folder, signal, print } = options;
  await using testbed = await startTestbed({ ...options, withClocksAndDisk: options.deck === undefined });
  signal?.throwIfAborted();
  print('the system is ready');
  const { system } = testbed;
  const { clinic, patientId } = await setUp(system);
  const log = openCallLog(join(folder, 'calls.jsonl'));
  const clients = createClients({ system, seed, clinic, log });
  const faults = createFaults(testbed, print, signal);
  const context: RunContext = {
    testbed,
    clinic,
    clients,
    log,
    faults,
    patientId,
    random: randomNumbers(seed),
    recorded: [],
  };
  try {
    return await abortable(runRounds(context, options), signal);
  } finally {
    await log.close();
  }
}
