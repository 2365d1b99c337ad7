/**
 * Clients that book, move, cancel and hold concurrently within the same few hours. Each repeats a call until it is
 * decided.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomNumbers } from '../support/random.ts';
import { attempt, clientOf, type Entrance } from './attempt.ts';
import type { CallLog } from './call-log.ts';
import { type Call, type Operation, responsesOf } from './calls.ts';

const WORKERS = 10;
/** Starts are on a grid of five minutes, so visits can overlap in part. */
const STARTS = 144;
const STEP_MINUTES = 5;
const PAUSE_MILLIS = 40;
const RETRY_MILLIS = 150;
/** The share of simultaneous requests for the same time, and their number. */
const BURST_SHARE = 0.12;
const BURST_SIZE = 4;
/** The spread of a burst in steps of the grid: less than the length of a visit. */
const SPREAD = 5;
const LATE_RETRIES = 0.08;
const USED_HOLDS = 0.15;
/** The most appointments and holds that clients remember. */
const MAX_KNOWN = 60;

export interface Clinic {
  readonly doctorIds: readonly string[];
  readonly patientIds: readonly string[];
  readonly typeId: string;
  /** The first contested start. */
  readonly opens: string;
}

export const startAt = ({ opens }: Clinic, n: number): string =>
  Temporal.Instant.from(opens)
    .add({ minutes: STEP_MINUTES * n })
    .toString();

/** The share of each operation in percent. */
const OPERATION_SHARES: readonly [number, Operation['do'] | 'book unkeyed'][] = [
  [44, 'book'],
  [10, 'book unkeyed'],
  [16, 'move'],
  [16, 'cancel'],
  [6, 'hold'],
  [8, 'register'],
];

/** The confirmed appointments and holds that all clients share. */
interface Known {
  readonly appointments: string[];
  readonly holds: { readonly id: string; readonly doctorId: string; readonly start: string }[];
}

function remember<Item>(list: Item[], item: Item): void {
  list.push(item);
  if (list.length > MAX_KNOWN) list.shift();
}

export interface Clients {
  /** Runs the clients until `settle`. */
  work(): void;
  /** Stops new calls. Resolves with the number of calls that are undecided after `millis`. */
  settle(millis: number): Promise<number>;
  /** Makes one more call for the checker. */
  call(operation: Operation): Promise<Call>;
}

export interface ClientsOptions {
  readonly system: Entrance;
  readonly seed: number;
  readonly clinic: Clinic;
  readonly log: CallLog;
}

export function createClients({ system, seed, clinic, log }: ClientsOptions): Clients {
  const client = clientOf(system);
  const known: Known = { appointments: [], holds: [] };
  const randoms = Array.from({ length: WORKERS }, (_, worker) => randomNumbers(seed * 1000 + worker));
  let calls = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let isSettling = true;
  let working: Promise<unknown> = Promise.resolve();
  let unresolved = 0;

  function begin(operation: Operation, isKeyed: boolean): Call {
    calls += 1;
    return log.begin(`chaos-${seed}-${calls}`, operation, isKeyed);
  }

  function rememberResult(call: Call): void {
    const [response] = responsesOf(call);
    if (response?.is !== 'done') return;
    const { operation } = call;
    if (operation.do === 'book') remember(known.appointments, response.resource.id);
    if (operation.do === 'hold') remember(known.holds, { ...operation, id: response.resource.id });
  }

  /**
   * Repeats a call until it is decided. A call without a key is sent once, because a second one could take effect
   * again.
   */
  async function finish(call: Call): Promise<void> {
    for (;;) {
      const outcome = await attempt(client, call, clinic.typeId);
      log.record(call, outcome);
      if (outcome.is !== 'unknown') return rememberResult(call);
      if (!call.isKeyed) return;
      if (performance.now() > deadline) {
        unresolved += 1;
        return;
      }
      // Not from the seed, because the number of attempts depends on the machine and later calls must not.
      await sleep(RETRY_MILLIS * (0.5 + Math.random()));
    }
  }

  async function work(random: () => number): Promise<void> {
    while (!isSettling) {
      if (random() < BURST_SHARE)
        await Promise.all(burst(clinic, random).map((operation) => finish(begin(operation, true))));
      const { operation, isKeyed } = nextOperation(clinic, known, random);
      const call = begin(operation, isKeyed);
      await finish(call);
      // A retry of a decided call has the same response.
      const repeats = random() < LATE_RETRIES;
      if (isKeyed && repeats) log.record(call, await attempt(client, call, clinic.typeId));
      await sleep(PAUSE_MILLIS * (0.5 + random()));
    }
  }

  return {
    work() {
      isSettling = false;
      deadline = Number.POSITIVE_INFINITY;
      working = Promise.all(randoms.map(work));
    },
    async settle(millis) {
      unresolved = 0;
      isSettling = true;
      deadline = performance.now() + millis;
      await working;
      return unresolved;
    },
    async call(operation) {
      deadline = performance.now() + RETRY_MILLIS;
      const call = begin(operation, true);
      await finish(call);
      return call;
    },
  };
}

const pick = <Item>(list: readonly Item[], random: () => number): Item | undefined =>
  list[Math.floor(random() * list.length)];

function operationAt(point: number): Operation['do'] | 'book unkeyed' {
  let sum = 0;
  for (const [share, what] of OPERATION_SHARES) {
    sum += share;
    if (point < sum) return what;
  }
  return 'book';
}

/** Returns operations for overlapping times: of one patient with any doctors, or of one doctor for any patients. */
function burst(clinic: Clinic, random: () => number): Operation[] {
  const first = Math.floor(random() * (STARTS - SPREAD));
  const [patientId, doctorId] = [pick(clinic.patientIds, random), pick(clinic.doctorIds, random)];
  const isOfPatient = random() < 0.5;
  return Array.from({ length: BURST_SIZE }, (): Operation => {
    const other = { patientId: pick(clinic.patientIds, random), doctorId: pick(clinic.doctorIds, random) };
    const start = startAt(clinic, first + Math.floor(random() * SPREAD));
    return {
      do: 'book',
      patientId: (isOfPatient ? patientId : other.patientId) ?? '',
      doctorId: (isOfPatient ? other.doctorId : doctorId) ?? '',
      start,
    };
  });
}

/** Draws the same count of random numbers every time, so that a seed always yields the same operations. */
function nextOperation(clinic: Clinic, known: Known, random: () => number): { operation: Operation; isKeyed: boolean } {
  const what = operationAt(random() * 100);
  const patientId = pick(clinic.patientIds, random) ?? '';
  const doctorId = pick(clinic.doctorIds, random) ?? '';
  const start = startAt(clinic, Math.floor(random() * STARTS));
  const id = pick(known.appointments, random);
  const hold = pick(known.holds, random);
  const [usesHold, isKeyedRegistration] = [random() < USED_HOLDS, random() < 0.3];
  const book: Operation = { do: 'book', patientId, doctorId, start };
  if (what === 'register') return { operation: { do: 'register' }, isKeyed: isKeyedRegistration };
  if (what === 'hold') return { operation: { do: 'hold', doctorId, start }, isKeyed: true };
  if (what === 'book unkeyed') return { operation: book, isKeyed: false };
  if (what === 'move' && id !== undefined) return { operation: { do: 'move', id, doctorId, start }, isKeyed: true };
  if (what === 'cancel' && id !== undefined) return { operation: { do: 'cancel', id }, isKeyed: true };
  if (hold && usesHold) {
    return { operation: { ...book, doctorId: hold.doctorId, start: hold.start, holdId: hold.id }, isKeyed: true };
  }
  return { operation: book, isKeyed: true };
}

export const WINDOW_MINUTES = STARTS * STEP_MINUTES;
