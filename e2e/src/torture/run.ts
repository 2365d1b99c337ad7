/** Rounds of torture: faults while clients work, then everything is healed, comes to rest, and is judged. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeClinic, registerPatient } from '@daybook/testing';
import { randomNumbers } from '../random.ts';
import { type CallLog, openCallLog } from './call-log.ts';
import { untilItIs } from './child.ts';
import { type Clients, type Clinic, createClients } from './clients.ts';
import type { TortureConfig } from './config.ts';
import { type Evidence, readDatabases, readLeftOver, readProgress, withDatabase } from './evidence.ts';
import { createFaults, type Faults } from './faults.ts';
import { type Parts, startParts } from './parts.ts';
import { createPlan, deckOf, type Fault, type PlannedFault } from './plan.ts';
import { RULES } from './rules/index.ts';
import { clientAt } from './sending.ts';
import { slotBreaches } from './slots.ts';
import { SERVERS_HOST } from './wire.ts';
import { readQueues, readWitness, type WitnessedEvent } from './witness.ts';

const DOCTORS = 3;
const PATIENTS = 6;
const DAYS_AHEAD = 7;
const SETTLE_MILLIS = 60_000;
const READY_MILLIS = 90_000;
const DRAIN_MILLIS = 120_000;
/** Longer than the longest pause that somebody makes before trying again: when nothing moved for so long, nothing will. */
const STILL_MILLIS = 30_000;
const EMPTY_MILLIS = 20_000;
/** Of one rule: more say the same. */
const MOST_BREACHES = 10;

export interface RunOptions extends TortureConfig {
  readonly sources: string;
  readonly folder: string;
  readonly roundMillis: number;
  readonly gapMillis: number;
  /** Which faults; all that the machine can do when left out. */
  readonly deck?: readonly Fault[];
  /** Of an end that does not come, after so long without any move; as long as any pause between attempts when left out. */
  readonly stillMillis?: number;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

export interface Violation {
  readonly rule: string;
  readonly what: string;
}

export interface RunReport {
  readonly seed: number;
  readonly rounds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly appointments: number;
  readonly events: number;
  readonly messages: number;
  readonly violations: readonly Violation[];
}

async function setUp(url: string): Promise<{ clinic: Clinic; patientId: string }> {
  const client = clientAt(url);
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

/** Whether everything is delivered; `moves` changes with whatever moves on the way there. */
async function lookAtDelivery(url: string): Promise<{ isDone: boolean; moves: string }> {
  return withDatabase(url, async (connection) => {
    const { due, told } = await readProgress(connection);
    const outboxes = [...(await readLeftOver(connection))].filter(([where]) => where.endsWith('.outbox'));
    const isDone = told >= due && outboxes.every(([, count]) => count === 0);
    return { isDone, moves: JSON.stringify([due, told, outboxes]) };
  });
}

/** @throws naming what is missing when nothing moves any more and not all is delivered */
async function untilDelivered(url: string, stillMillis: number): Promise<void> {
  let [moves, movedAt] = ['', performance.now()];
  await untilItIs('everything is delivered', DRAIN_MILLIS, async () => {
    const now = await lookAtDelivery(url);
    if (now.isDone) return true;
    if (now.moves !== moves) [moves, movedAt] = [now.moves, performance.now()];
    if (performance.now() - movedAt < stillMillis) return false;
    throw new Error(`nothing has moved for ${stillMillis / 1000} s (due, told, outboxes): ${moves}`);
  });
}

/** A round ends in a state that nobody changes any more. @returns what did not come to rest */
async function comeToRest(parts: Parts, clients: Clients, options: RunOptions): Promise<Violation[]> {
  const violations: Violation[] = [];
  const tryTo = async (rule: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      violations.push({ rule, what: error instanceof Error ? error.message : String(error) });
    }
  };
  const began = performance.now();
  await tryTo('every call has an answer once all is well', async () => {
    const unanswered = await clients.settle(SETTLE_MILLIS);
    if (unanswered > 0) throw new Error(`${unanswered} calls have none after ${SETTLE_MILLIS / 1000} s`);
  });
  await tryTo('every process is ready once all is well', () => parts.system.untilReady(READY_MILLIS));
  await tryTo('every event is delivered once all is well', () =>
    untilDelivered(parts.database.urlAt(SERVERS_HOST), options.stillMillis ?? STILL_MILLIS),
  );
  options.say(`  at rest ${((performance.now() - began) / 1000).toFixed(1)} s after the last fault was over`);
  return violations;
}

/** What is acknowledged leaves the broker's numbers a moment later. */
async function readQueuesAtRest({ broker }: Parts): Promise<ReadonlyMap<string, number>> {
  const giveUpAt = performance.now() + EMPTY_MILLIS;
  for (;;) {
    const queues = readQueues(await broker.control('list_queues', '--silent', 'name', 'messages'));
    if ([...queues.values()].every((count) => count === 0) || performance.now() > giveUpAt) return queues;
  }
}

async function gather(parts: Parts, calls: Evidence['calls'], witnessed: WitnessedEvent[]): Promise<Evidence> {
  const databases = await withDatabase(parts.database.urlAt(SERVERS_HOST), readDatabases);
  witnessed.push(...(await readWitness(parts.broker.url)));
  return { ...databases, calls, queued: await readQueuesAtRest(parts), witnessed };
}

function judge(evidence: Evidence): Violation[] {
  return RULES.flatMap(({ name, breaches }) =>
    breaches(evidence)
      .slice(0, MOST_BREACHES)
      .map((what) => ({ rule: name, what })),
  );
}

/** Done, refused by a rule, or not answered. */
const EXPECTED = /^(200|201|409 .+|422 .+|no answer: .+)$/;

/** What a client may never see, and what no process may do, whatever happens around it. */
function complaints(answers: ReadonlyMap<string, number>, parts: Parts): Violation[] {
  const strange = [...answers].filter(([kind]) => !EXPECTED.test(kind));
  return [
    ...strange.map(([kind, count]) => ({ rule: 'no answer is a failure of ours', what: `${count} times ${kind}` })),
    ...parts.system.endedByThemselves.map((what) => ({ rule: 'no process ends by itself', what })),
  ];
}

async function dump(folder: string, evidence: Evidence): Promise<void> {
  const into = join(folder, 'evidence');
  await mkdir(into, { recursive: true });
  for (const [name, content] of Object.entries(evidence)) {
    const plain = content instanceof Map ? Object.fromEntries(content) : content;
    await writeFile(join(into, `${name}.json`), `${JSON.stringify(plain, undefined, 1)}\n`);
  }
}

/** What rounds are made of. */
interface Ring {
  readonly parts: Parts;
  readonly clinic: Clinic;
  readonly clients: Clients;
  readonly log: CallLog;
  readonly faults: Faults;
  /** Of somebody who has nothing but what the checker books. */
  readonly patientId: string;
  readonly random: () => number;
  /** By all rounds. */
  readonly witnessed: WitnessedEvent[];
}

async function oneRound(ring: Ring, planned: readonly PlannedFault[], options: RunOptions) {
  const { parts, clinic, clients, log, faults, patientId, random, witnessed } = ring;
  clients.work();
  await Promise.all([faults.happen(planned), sleep(options.roundMillis)]);
  const violations = await comeToRest(parts, clients, options);
  const evidence = await gather(parts, log.calls, witnessed);
  violations.push(...judge(evidence), ...complaints(log.counts, parts));
  const { url } = parts.system;
  const wrong = await slotBreaches({ url, clinic, clients, patientId, reservations: evidence.reservations, random });
  violations.push(...wrong.map((what) => ({ rule: 'shown is bookable', what })));
  return { violations, evidence };
}

async function allRounds(ring: Ring, options: RunOptions): Promise<RunReport> {
  const { seed, folder, seconds, roundMillis, gapMillis, signal, say } = options;
  const { parts, log, faults, witnessed } = ring;
  const can = { jumpClocks: parts.clocks !== undefined, fillDisks: parts.disk !== undefined };
  const plan = createPlan({ seed, roundMillis, gapMillis, deck: options.deck ?? deckOf(can) });
  const endAt = performance.now() + seconds * 1000;
  for (let rounds = 1; ; rounds += 1) {
    const planned = plan();
    await writeFile(join(folder, `plan-${rounds}.json`), `${JSON.stringify(planned, undefined, 1)}\n`);
    say(`round ${rounds}`);
    const { violations, evidence } = await oneRound(ring, planned, options);
    if (violations.length > 0) await dump(folder, evidence);
    else if (performance.now() < endAt && !signal?.aborted) continue;
    return {
      ...{ seed, rounds, violations },
      faults: Object.fromEntries(faults.counts),
      answers: Object.fromEntries([...log.counts].toSorted()),
      appointments: evidence.appointments.length,
      events: new Set(witnessed.map(({ id }) => id)).size,
      messages: evidence.messages.length,
    };
  }
}

/** @throws its reason as soon as the signal comes */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Runs until the time is over, or until the first round that breaks a rule. Leaves nobody behind, however it ends. */
export async function runTorture(options: RunOptions): Promise<RunReport> {
  const { seed, folder, signal, say } = options;
  await using parts = await startParts({ ...options, withClocksAndDisk: options.deck === undefined });
  signal?.throwIfAborted();
  say('the system is ready');
  const { url } = parts.system;
  const { clinic, patientId } = await setUp(url);
  const log = openCallLog(join(folder, 'calls.jsonl'));
  const clients = createClients({ url, seed, clinic, log });
  const faults = createFaults(parts, say, signal);
  const ring: Ring = { parts, clinic, clients, log, faults, patientId, random: randomNumbers(seed), witnessed: [] };
  try {
    return await unlessAborted(allRounds(ring, options), signal);
  } finally {
    await log.close();
  }
}
