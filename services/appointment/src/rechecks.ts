/** Looks again at the appointments of what has changed: leave, other hours, somebody or an appointment type not active. */
import { type Appointment, type Caller, MAX_AVAILABILITY_DAYS, Refusal } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';
import { createLoop } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import type { Interval } from './domain/grid.ts';
import type { Directory } from './domain/ports.ts';
import type { Looked } from './domain/rechecking.ts';
import { DAY, toMillis } from './domain/time.ts';
import type { Recheck, RecheckStore } from './store/rechecks.ts';

/** Notices what another process was told; what this one is told wakes it at once. */
const INTERVAL_MILLIS = 1_000;

const CALLER: Caller = { id: 'appointment-service', role: 'service' };

export interface Rechecker {
  /** Something is due. */
  wake(): void;
  /** Resolves when what is under way is done. What is due then waits for the next start. */
  close(): Promise<void>;
}

/** As many appointments, from the first on, as one question about availability can be about. */
function oneQuestion(appointments: readonly Appointment[]): readonly Appointment[] {
  const limit = toMillis(appointments[0]?.start ?? '') + MAX_AVAILABILITY_DAYS * DAY;
  const beyond = appointments.findIndex(({ end }) => toMillis(end) > limit);
  return beyond === -1 ? appointments : appointments.slice(0, beyond);
}

function spanOf(appointments: readonly Appointment[]): Interval {
  const ends = appointments.map(({ end }) => toMillis(end));
  return { start: toMillis(appointments[0]?.start ?? ''), end: Math.max(...ends) };
}

/** Undefined of an appointment type: the database has it. */
async function look(directory: Directory, { kind, personId }: Recheck, span: Interval): Promise<Looked | undefined> {
  if (kind === 'type') return undefined;
  const asking = { caller: CALLER };
  const looked: Looked | undefined =
    kind === 'patient'
      ? await directory.patient(personId, asking).then((patient) => patient && { kind, patient })
      : await directory.doctor(personId, span, asking).then((doctor) => doctor && { kind, doctor });
  if (!looked) throw new Error('an event told of somebody who is not there');
  return looked;
}

/** Page by page. Where it is ended in the middle, its turn comes again when its lease is over. */
async function recheckOne(
  directory: Directory,
  store: RecheckStore,
  recheck: Recheck,
  signal: AbortSignal,
): Promise<void> {
  let after: Appointment | undefined;
  while (!signal.aborted) {
    const upcoming = await store.upcoming(CALLER, recheck, after);
    if (upcoming.length === 0) return store.finish(CALLER, recheck);
    const appointments = oneQuestion(upcoming);
    const looked = await look(directory, recheck, spanOf(appointments));
    if (!(await store.flag(CALLER, recheck, appointments, looked))) return;
    after = appointments.at(-1);
  }
}

/** A part that is not there yet, as at most starts, is said in a line; of anything else all is wanted. */
const told = (error: unknown) =>
  error instanceof Refusal || error instanceof DatabaseUnavailable ? { reason: error.message } : { err: error };

/** Starts looking. A part that does not answer is asked again, ever more slowly, while the database keeps what is due. */
export function startRechecks(directory: Directory, store: RecheckStore, logger: Logger): Rechecker {
  const closing = new AbortController();

  async function recheckAll(): Promise<void> {
    while (!closing.signal.aborted) {
      const recheck = await store.next(CALLER);
      if (!recheck) return;
      try {
        await recheckOne(directory, store, recheck, closing.signal);
      } catch (error) {
        logger.warn({ ...told(error), kind: recheck.kind, personId: recheck.personId }, 'could not look again for now');
        await store.postpone(CALLER, recheck);
      }
    }
  }

  let failing = false;
  const loop = createLoop({
    intervalMillis: INTERVAL_MILLIS,
    async run() {
      try {
        await recheckAll();
        failing = false;
        return true;
      } catch (error) {
        // Once for as long as it lasts.
        if (!failing) logger.warn(told(error), 'cannot see who has to be looked at again');
        failing = true;
        return false;
      }
    },
  });
  void loop.runNow();
  return {
    wake: () => void loop.runNow(),
    async close() {
      closing.abort();
      await loop.stop();
    },
  };
}
