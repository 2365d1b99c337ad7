/**
 * Revalidates appointments after changes: leave, other hours, or a participant or type that became inactive or active.
 */

import { type Appointment, type Caller, MAX_AVAILABILITY_DAYS, Refusal } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';
import type { Logger } from '@daybook/service';
import type { CurrentFacts } from '../domain/booking/revalidation.ts';
import type { ParticipantClient } from '../domain/ports.ts';
import type { Interval } from '../domain/slots/grid.ts';
import { DAY, toMillis } from '../domain/time.ts';
import type { Revalidation, RevalidationStore } from '../store/revalidation.ts';
import { startWorker, type Worker } from './worker.ts';

const CALLER: Caller = { id: 'appointment-service', role: 'service' };

/** Returns as many appointments, from the first on, as one availability request can cover. */
function withinAvailabilityLimit(appointments: readonly Appointment[]): readonly Appointment[] {
  const limit = toMillis(appointments[0]?.start ?? '') + MAX_AVAILABILITY_DAYS * DAY;
  const beyond = appointments.findIndex(({ end }) => toMillis(end) > limit);
  return beyond === -1 ? appointments : appointments.slice(0, beyond);
}

function spanOf(appointments: readonly Appointment[]): Interval {
  const ends = appointments.map(({ end }) => toMillis(end));
  return { start: toMillis(appointments[0]?.start ?? ''), end: Math.max(...ends) };
}

/** Loads the facts of a patient or doctor. Returns undefined for an appointment type, which the database has. */
async function loadCurrentFacts(
  participants: ParticipantClient,
  { kind, subjectId }: Revalidation,
  span: Interval,
): Promise<CurrentFacts | undefined> {
  if (kind === 'type') return undefined;
  const context = { caller: CALLER };
  const facts: CurrentFacts | undefined =
    kind === 'patient'
      ? await participants.findPatient(subjectId, context).then((patient) => patient && { kind, patient })
      : await participants.findDoctor(subjectId, span, context).then((doctor) => doctor && { kind, doctor });
  if (!facts) throw new Error('patient or doctor of an event not found');
  return facts;
}

/** Revalidates page by page. After an interruption the revalidation is due again when its lease expires. */
async function revalidateOne(
  participants: ParticipantClient,
  store: RevalidationStore,
  revalidation: Revalidation,
  signal: AbortSignal,
): Promise<void> {
  let after: Appointment | undefined;
  while (!signal.aborted) {
    const upcoming = await store.upcoming(CALLER, revalidation, after);
    if (upcoming.length === 0) return store.finish(CALLER, revalidation);
    const appointments = withinAvailabilityLimit(upcoming);
    const facts = await loadCurrentFacts(participants, revalidation, spanOf(appointments));
    if (!(await store.flag(CALLER, revalidation, appointments, facts))) return;
    after = appointments.at(-1);
  }
}

/** Logs only the reason when a dependency is not ready, as at most starts. Logs any other error in full. */
const errorFields = (error: unknown) =>
  error instanceof Refusal || error instanceof DatabaseUnavailable ? { reason: error.message } : { err: error };

/**
 * Starts the worker.
 * A service that does not respond is retried with growing pauses, while the database keeps what is due.
 */
export function startRevalidationWorker(
  participants: ParticipantClient,
  store: RevalidationStore,
  logger: Logger,
): Worker {
  async function revalidateAll(closing: AbortSignal): Promise<void> {
    while (!closing.aborted) {
      const revalidation = await store.next(CALLER);
      if (!revalidation) return;
      try {
        await revalidateOne(participants, store, revalidation, closing);
      } catch (error) {
        logger.warn(
          { ...errorFields(error), kind: revalidation.kind, subjectId: revalidation.subjectId },
          'appointments not revalidated yet',
        );
        await store.postpone(CALLER, revalidation);
      }
    }
  }

  return startWorker({ runAll: revalidateAll, logger, failureMessage: 'due revalidations not read', errorFields });
}
