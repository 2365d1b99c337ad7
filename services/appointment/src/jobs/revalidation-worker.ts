/**
 * Revalidates appointments after changes: leave, other hours, or a participant or type that became inactive or active.
 */
import { type Appointment, DAY, MAX_AVAILABILITY_DAYS, toMillis } from '@daybook/contracts';
import type { Logger } from '@daybook/service';
import type { CurrentFacts } from '../domain/booking/revalidation.ts';
import type { ParticipantClient } from '../domain/ports.ts';
import type { Interval } from '../domain/slots/grid.ts';
import type { Revalidation, RevalidationStore } from '../store/revalidation.ts';
import { startWorker, WORKER_CALLER, type Worker } from './worker.ts';

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
  const context = { caller: WORKER_CALLER };
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
    const upcoming = await store.upcoming(WORKER_CALLER, revalidation, after);
    if (upcoming.length === 0) return store.finish(WORKER_CALLER, revalidation);
    const appointments = withinAvailabilityLimit(upcoming);
    const facts = await loadCurrentFacts(participants, revalidation, spanOf(appointments));
    if (!(await store.flag(WORKER_CALLER, revalidation, appointments, facts))) return;
    after = appointments.at(-1);
  }
}

/**
 * Starts the worker.
 * A service that does not respond is retried with growing pauses, while the database keeps what is due.
 */
export const startRevalidationWorker = (
  participants: ParticipantClient,
  store: RevalidationStore,
  logger: Logger,
): Worker =>
  startWorker({
    next: () => store.next(WORKER_CALLER),
    run: (revalidation, closing) => revalidateOne(participants, store, revalidation, closing),
    postpone: (revalidation) => store.postpone(WORKER_CALLER, revalidation),
    logger,
    fieldsOf: ({ kind, subjectId }) => ({ kind, subjectId }),
    messages: { runFailed: 'appointments not revalidated yet', readFailed: 'due revalidations not read' },
  });
