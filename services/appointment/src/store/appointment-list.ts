/** Reads lists of appointments. */
import {
  APPOINTMENT_STATUSES,
  type Appointment,
  type AppointmentQuery,
  type AppointmentStatus,
  DEFAULT_LIMIT,
  MAX_DURATION_MINUTES,
  MINUTE,
  type PageOf,
  permit,
  readSomeOf,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { sql } from 'kysely';
import { type ListedParticipants, PEOPLE, restrictList } from '../domain/ownership.ts';
import { visibleTo } from '../domain/visibility.ts';
import { toAppointment } from './appointment-row.ts';
import type { AppointmentRow, AppointmentTables, Db } from './tables.ts';

/** Returns a page in the order of the starts. */
export type ListAppointments = (caller: VerifiedCaller, query: AppointmentQuery) => Promise<PageOf<Appointment>>;

/**
 * Uses the index only for the list of all that need rescheduling.
 * For one participant, or for those that need none, the database would read the index from end to end.
 * The expression keeps the database from choosing it.
 */
const needsReschedulingIs = (needs: boolean, participantId: string | undefined) =>
  needs && participantId === undefined
    ? sql<boolean>`needs_rescheduling = 1`
    : sql<boolean>`needs_rescheduling + 0 = ${sql.lit(needs ? 1 : 0)}`;

/** Filters by status without its index, because here another index leads to fewer rows. */
const hasStatus = (statuses: readonly AppointmentStatus[]) =>
  sql<boolean>`coalesce(status, '') in (${sql.join(statuses)})`;

const LONGEST_VISIT = MAX_DURATION_MINUTES * MINUTE;

/** The filter of a list, read from its query. */
interface ListFilter extends ListedParticipants {
  readonly needsRescheduling: boolean | undefined;
  /** Undefined: all. */
  readonly statuses: readonly AppointmentStatus[] | undefined;
  /** The start of the range that visits overlap. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** The position that visits follow. */
  readonly after: { readonly startsAt: number; readonly id: string } | undefined;
}

function listFilterOf(
  { needsRescheduling, status, from, to, cursor }: AppointmentQuery,
  participants: ListedParticipants,
  now: number,
): ListFilter {
  const key = cursor === undefined ? undefined : decodeCursor(cursor, ['number', 'id']);
  return {
    ...participants,
    needsRescheduling,
    statuses: status === undefined ? undefined : readSomeOf(APPOINTMENT_STATUSES, status),
    from: from === undefined ? (needsRescheduling ? now : undefined) : toMillis(from),
    to: to === undefined ? undefined : toMillis(to),
    after: key && { startsAt: key[0], id: key[1] },
  };
}

/**
 * Returns the first `atMost` of a list of one patient or of all. Each condition on the start bounds the part of the
 * index that is read.
 */
function firstOf(
  db: Db,
  { patientIds: [patientId] = [], doctorId, needsRescheduling, from, to, after }: ListFilter,
  atMost: number,
) {
  let query = db.selectFrom('appointments').selectAll();
  if (patientId !== undefined) query = query.where('patient_id', '=', idToBytes(patientId));
  if (doctorId !== undefined) query = query.where('doctor_id', '=', idToBytes(doctorId));
  if (needsRescheduling !== undefined)
    query = query.where(needsReschedulingIs(needsRescheduling, patientId ?? doctorId));
  // Visits have a longest length, so those that end after an instant also start within a range.
  if (from !== undefined) query = query.where('starts_at', '>', from - LONGEST_VISIT).where('ends_at', '>', from);
  if (to !== undefined) query = query.where('starts_at', '<', to);
  if (after) {
    const { startsAt } = after;
    query = query
      .where('starts_at', '>=', startsAt)
      .where((where) => where.or([where('starts_at', '>', startsAt), where('id', '>', idToBytes(after.id))]));
  }
  return query.orderBy('starts_at').orderBy('id').limit(atMost);
}

const inOrder = (a: AppointmentRow, b: AppointmentRow): number =>
  a.starts_at - b.starts_at || Buffer.compare(a.id, b.id);

/**
 * Returns the first of some statuses, in any order: the first of each along its part of the index.
 * One statement reads all of them, so an appointment that changes its status meanwhile is not read twice.
 */
function firstOfStatuses(db: Db, filter: ListFilter, statuses: readonly AppointmentStatus[], atMost: number) {
  const parts = statuses.map((status) => {
    const first = firstOf(db, filter, atMost).where(sql<boolean>`status = ${status}`);
    return db.selectFrom(first.as('of_status')).selectAll();
  });
  return parts.reduce((all, part) => all.unionAll(part));
}

/**
 * Returns the first of several patients, in any order: the first of each along its part of the index.
 * One statement reads all of them, so an appointment that a merge moves meanwhile is not read twice.
 */
function firstOfPatients(db: Db, filter: ListFilter, patientIds: readonly string[], atMost: number) {
  const { statuses } = filter;
  const parts = patientIds.map((id) => {
    const first = firstOf(db, { ...filter, patientIds: [id] }, atMost).$if(statuses !== undefined, (query) =>
      query.where(hasStatus(statuses ?? [])),
    );
    return db.selectFrom(first.as('of_patient')).selectAll();
  });
  return parts.reduce((all, part) => all.unionAll(part));
}

async function readFirst(db: Db, filter: ListFilter, atMost: number): Promise<AppointmentRow[]> {
  const { statuses, patientIds, doctorId, needsRescheduling } = filter;
  if (patientIds && patientIds.length > 1) {
    const rows = await firstOfPatients(db, filter, patientIds, atMost).execute();
    return rows.toSorted(inOrder).slice(0, atMost);
  }
  if (statuses === undefined) return firstOf(db, filter, atMost).execute();
  const isOfAll = patientIds === undefined && doctorId === undefined && needsRescheduling !== true;
  if (!isOfAll) return firstOf(db, filter, atMost).where(hasStatus(statuses)).execute();
  return (await firstOfStatuses(db, filter, statuses, atMost).execute()).toSorted(inOrder);
}

export const createAppointmentList =
  (database: Database<AppointmentTables>, clock: Clock): ListAppointments =>
  async (caller, query) => {
    permit(caller, PEOPLE);
    const { limit = DEFAULT_LIMIT } = query;
    const participants = restrictList(caller, query);
    if (!participants) return { items: [] };
    const filter = listFilterOf(query, participants, clock().epochMilliseconds);
    const rows = await database.read((db) => readFirst(db, filter, limit + 1));
    return pageOf(
      rows,
      limit,
      (row) => [row.starts_at, idFromBytes(row.id)],
      (row) => visibleTo(caller, toAppointment(row)),
    );
  };
