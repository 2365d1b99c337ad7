/** Those who book, move, cancel and hold, all at once and for the same few hours; each call until its answer is known. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomNumbers } from '../random.ts';
import type { CallLog } from './call-log.ts';
import { answersOf, type Call, type Wish } from './calls.ts';
import { attempt, clientAt } from './sending.ts';

const WORKERS = 10;
/** Starts lie on a grid of five minutes: visits overlap in part. */
const STARTS = 144;
const STEP_MINUTES = 5;
const PAUSE_MILLIS = 40;
const RETRY_MILLIS = 150;
/** How often several ask for the same at the same moment, and how many. */
const RUSHES = 0.12;
const OF_A_RUSH = 4;
/** So many steps of the grid apart: less than a visit is long. */
const SPREAD = 5;
const LATE_RETRIES = 0.08;
const USED_HOLDS = 0.15;
/** Appointments and holds that somebody may still want something of. */
const MOST_REMEMBERED = 60;

export interface Clinic {
  readonly doctorIds: readonly string[];
  readonly patientIds: readonly string[];
  readonly typeId: string;
  /** The first start that is fought for. */
  readonly opens: string;
}

export const startAt = ({ opens }: Clinic, n: number): string =>
  Temporal.Instant.from(opens)
    .add({ minutes: STEP_MINUTES * n })
    .toString();

/** How often each is done, of a hundred. */
const SHARES: readonly [number, Wish['do'] | 'book unkeyed'][] = [
  [44, 'book'],
  [10, 'book unkeyed'],
  [16, 'move'],
  [16, 'cancel'],
  [6, 'hold'],
  [8, 'register'],
];

/** What all clients know: appointments and holds that were confirmed. */
interface Known {
  readonly appointments: string[];
  readonly holds: { readonly id: string; readonly doctorId: string; readonly start: string }[];
}

function remember<Item>(list: Item[], item: Item): void {
  list.push(item);
  if (list.length > MOST_REMEMBERED) list.shift();
}

export interface Clients {
  /** They go on until `settle`. */
  work(): void;
  /** No new calls; resolves with how many have no answer after so long. */
  settle(millis: number): Promise<number>;
  /** One more call, of our own. */
  call(wish: Wish): Promise<Call>;
}

export interface ClientsOptions {
  readonly url: string;
  readonly seed: number;
  readonly clinic: Clinic;
  readonly log: CallLog;
}

export function createClients({ url, seed, clinic, log }: ClientsOptions): Clients {
  const client = clientAt(url);
  const known: Known = { appointments: [], holds: [] };
  const randoms = Array.from({ length: WORKERS }, (_, worker) => randomNumbers(seed * 1000 + worker));
  let calls = 0;
  let giveUpAt = Number.POSITIVE_INFINITY;
  let isSettling = true;
  let working: Promise<unknown> = Promise.resolve();
  let unanswered = 0;

  function begin(wish: Wish, isKeyed: boolean): Call {
    calls += 1;
    return log.begin(`torture-${seed}-${calls}`, wish, isKeyed);
  }

  function note(call: Call): void {
    const [answer] = answersOf(call);
    if (answer?.is !== 'done') return;
    const { wish } = call;
    if (wish.do === 'book') remember(known.appointments, answer.shown.id);
    if (wish.do === 'hold') remember(known.holds, { ...wish, id: answer.shown.id });
  }

  /** Until its answer is known, where it has a key; whoever has none does not know what a second one would do. */
  async function finish(call: Call): Promise<void> {
    for (;;) {
      const outcome = await attempt(client, call, clinic.typeId);
      log.note(call, outcome);
      if (outcome.is !== 'unknown') return note(call);
      if (!call.isKeyed) return;
      if (performance.now() > giveUpAt) {
        unanswered += 1;
        return;
      }
      // Not of the seed: how often it is asked depends on the machine, and what is asked next must not.
      await sleep(RETRY_MILLIS * (0.5 + Math.random()));
    }
  }

  async function work(random: () => number): Promise<void> {
    while (!isSettling) {
      if (random() < RUSHES) await Promise.all(rush(clinic, random).map((wish) => finish(begin(wish, true))));
      const { wish, isKeyed } = nextWish(clinic, known, random);
      const call = begin(wish, isKeyed);
      await finish(call);
      // A retry of what was answered has the same answer.
      const asksAgain = random() < LATE_RETRIES;
      if (isKeyed && asksAgain) log.note(call, await attempt(client, call, clinic.typeId));
      await sleep(PAUSE_MILLIS * (0.5 + random()));
    }
  }

  return {
    work() {
      isSettling = false;
      giveUpAt = Number.POSITIVE_INFINITY;
      working = Promise.all(randoms.map(work));
    },
    async settle(millis) {
      unanswered = 0;
      isSettling = true;
      giveUpAt = performance.now() + millis;
      await working;
      return unanswered;
    },
    async call(wish) {
      giveUpAt = performance.now() + RETRY_MILLIS;
      const call = begin(wish, true);
      await finish(call);
      return call;
    },
  };
}

const pick = <Item>(list: readonly Item[], random: () => number): Item | undefined =>
  list[Math.floor(random() * list.length)];

function shareAt(place: number): Wish['do'] | 'book unkeyed' {
  let sum = 0;
  for (const [share, what] of SHARES) {
    sum += share;
    if (place < sum) return what;
  }
  return 'book';
}

/** Times that overlap, at once: of one patient with any doctors, or of one doctor for any patients. */
function rush(clinic: Clinic, random: () => number): Wish[] {
  const first = Math.floor(random() * (STARTS - SPREAD));
  const [patientId, doctorId] = [pick(clinic.patientIds, random), pick(clinic.doctorIds, random)];
  const isOfPatient = random() < 0.5;
  return Array.from({ length: OF_A_RUSH }, (): Wish => {
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

/** As many random numbers for each, whatever is known by then: the wishes of a seed stay the same. */
function nextWish(clinic: Clinic, known: Known, random: () => number): { wish: Wish; isKeyed: boolean } {
  const what = shareAt(random() * 100);
  const patientId = pick(clinic.patientIds, random) ?? '';
  const doctorId = pick(clinic.doctorIds, random) ?? '';
  const start = startAt(clinic, Math.floor(random() * STARTS));
  const id = pick(known.appointments, random);
  const hold = pick(known.holds, random);
  const [usesHold, isKeyedRegistration] = [random() < USED_HOLDS, random() < 0.3];
  const book: Wish = { do: 'book', patientId, doctorId, start };
  if (what === 'register') return { wish: { do: 'register' }, isKeyed: isKeyedRegistration };
  if (what === 'hold') return { wish: { do: 'hold', doctorId, start }, isKeyed: true };
  if (what === 'book unkeyed') return { wish: book, isKeyed: false };
  if (what === 'move' && id !== undefined) return { wish: { do: 'move', id, doctorId, start }, isKeyed: true };
  if (what === 'cancel' && id !== undefined) return { wish: { do: 'cancel', id }, isKeyed: true };
  if (hold && usesHold) {
    return { wish: { ...book, doctorId: hold.doctorId, start: hold.start, holdId: hold.id }, isKeyed: true };
  }
  return { wish: book, isKeyed: true };
}

export const WINDOW_MINUTES = STARTS * STEP_MINUTES;
