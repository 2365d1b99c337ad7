/** Stores the leave and extra hours of the doctors. */
import {
  DAY,
  DEFAULT_LIMIT,
  MAX_AVAILABILITY_DAYS,
  MAX_EXCEPTION_DAYS,
  type NewScheduleException,
  notFound,
  type PageOf,
  permit,
  Refusal,
  rolesFor,
  type ScheduleException,
  type ScheduleExceptionQuery,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  appendEvent,
  type Database,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  newId,
  originOf,
  type WriteContext,
} from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { type Expression, expressionBuilder, type SqlBool } from 'kysely';
import { exceptionInterval } from '../domain/exception-interval.ts';
import type { Interval } from '../domain/interval.ts';
import { exceptionEvent, SOURCE } from '../events/published.ts';
import { lockDoctor, setDoctorVersion } from './doctor-version.ts';
import type { DoctorTables, ScheduleExceptionRow } from './tables.ts';

export interface ExceptionStore {
  /**
   * Adds an exception.
   * @throws Refusal `not-found`, `precondition-failed`, `invalid-interval`, `range-too-long`, `too-many-exceptions`
   */
  add(
    caller: VerifiedCaller,
    doctorId: string,
    input: NewScheduleException,
    write: WriteContext<ScheduleException>,
  ): Promise<ScheduleException>;
  /** Returns a page in the order of the starts; undefined when the doctor does not exist. */
  list(
    caller: VerifiedCaller,
    doctorId: string,
    query: ScheduleExceptionQuery,
  ): Promise<PageOf<ScheduleException> | undefined>;
  /**
   * Removes an exception.
   * @throws Refusal `not-found`, `precondition-failed`
   */
  remove(caller: VerifiedCaller, doctorId: string, exceptionId: string, write: WriteContext<unknown>): Promise<void>;
}

/**
 * The most exceptions that one range of availability can overlap.
 * More around any such range are rejected, so that a doctor's availability can always be computed.
 */
export const MAX_OVERLAPPING = 1000;

function toException(row: ScheduleExceptionRow): ScheduleException {
  return {
    id: idFromBytes(row.id),
    doctorId: idFromBytes(row.doctor_id),
    kind: row.kind,
    start: isoFromMillis(row.starts_at),
    end: isoFromMillis(row.ends_at),
    ...(row.reason !== null && { reason: row.reason }),
    createdAt: isoFromMillis(row.created_at),
  };
}

/** Matches exceptions that overlap the range. The lower bound of the starts lets the index find them. */
export function overlapsRange({ start, end }: Interval): Expression<SqlBool> {
  const where = expressionBuilder<DoctorTables, 'schedule_exceptions'>();
  return where.and([
    where('schedule_exceptions.starts_at', '>', start - MAX_EXCEPTION_DAYS * DAY),
    where('schedule_exceptions.starts_at', '<', end),
    where('schedule_exceptions.ends_at', '>', start),
  ]);
}

/** Returns all time that a range of availability can contain together with the interval. */
const around = ({ start, end }: Interval): Interval => ({
  start: start - MAX_AVAILABILITY_DAYS * DAY,
  end: end + MAX_AVAILABILITY_DAYS * DAY,
});

/** Returns an exception of another doctor as doctors see it. The reason may mention an illness. */
function withoutReason({ reason, ...exception }: ScheduleException): ScheduleException {
  return exception;
}

export function createExceptionStore(database: Database<DoctorTables>, clock: Clock): ExceptionStore {
  return {
    async add(caller, doctorId, input, write) {
      permit(caller, rolesFor('addScheduleException'));
      const interval = exceptionInterval(input);
      const now = clock();
      const row: ScheduleExceptionRow = {
        id: idToBytes(newId()),
        doctor_id: idToBytes(doctorId),
        kind: input.kind,
        starts_at: interval.start,
        ends_at: interval.end,
        reason: input.reason ?? null,
        created_at: now.epochMilliseconds,
      };
      const exception = toException(row);
      await database.write(async (tx) => {
        const { version } = await lockDoctor(tx, database.dialect, caller, row.doctor_id);
        write.checkVersion(version);
        const neighbours = await tx
          .selectFrom('schedule_exceptions')
          .select('id')
          .where('doctor_id', '=', row.doctor_id)
          .where(overlapsRange(around(interval)))
          .limit(MAX_OVERLAPPING)
          .execute();
        if (neighbours.length >= MAX_OVERLAPPING) {
          const detail = `A doctor has at most ${MAX_OVERLAPPING} exceptions around one time: remove some.`;
          throw new Refusal('too-many-exceptions', detail);
        }
        await tx.insertInto('schedule_exceptions').values(row).execute();
        const changed = { id: exception.doctorId, version: version + 1 };
        await setDoctorVersion(tx, row.doctor_id, changed.version, now);
        await appendEvent(tx, exceptionEvent('exception-added', changed, exception), originOf(SOURCE, now, write));
        await write.storeResponse(tx, exception);
      });
      return exception;
    },

    async list(caller, doctorId, { from, to, limit = DEFAULT_LIMIT, cursor }) {
      permit(caller, rolesFor('listScheduleExceptions'));
      const doctor_id = idToBytes(doctorId);
      const seesReasons = caller.role !== 'doctor' || caller.doctorId === idFromBytes(doctor_id);
      const after = cursor === undefined ? undefined : decodeCursor(cursor, ['number', 'id']);
      return database.read(async (db) => {
        const doctor = await db.selectFrom('doctors').select('id').where('id', '=', doctor_id).executeTakeFirst();
        if (!doctor) return undefined;
        let query = db.selectFrom('schedule_exceptions').selectAll().where('doctor_id', '=', doctor_id);
        if (from !== undefined) query = query.where('starts_at', '>=', toMillis(from));
        if (to !== undefined) query = query.where('starts_at', '<', toMillis(to));
        if (after) {
          const [startsAt, id] = after;
          query = query
            .where('starts_at', '>=', startsAt)
            .where((where) => where.or([where('starts_at', '>', startsAt), where('id', '>', idToBytes(id))]));
        }
        const rows = await query
          .orderBy('starts_at')
          .orderBy('id')
          .limit(limit + 1)
          .execute();
        return pageOf(
          rows,
          limit,
          (row) => [row.starts_at, idFromBytes(row.id)],
          (row) => {
            const exception = toException(row);
            return seesReasons ? exception : withoutReason(exception);
          },
        );
      });
    },

    async remove(caller, doctorId, exceptionId, write) {
      permit(caller, rolesFor('removeScheduleException'));
      const now = clock();
      const [doctor_id, id] = [idToBytes(doctorId), idToBytes(exceptionId)];
      await database.write(async (tx) => {
        const { version } = await lockDoctor(tx, database.dialect, caller, doctor_id);
        const row = await tx
          .selectFrom('schedule_exceptions')
          .selectAll()
          .where('id', '=', id)
          .where('doctor_id', '=', doctor_id)
          .executeTakeFirst();
        if (!row) throw notFound('exception');
        write.checkVersion(version);
        await tx.deleteFrom('schedule_exceptions').where('id', '=', id).execute();
        const changed = { id: idFromBytes(doctor_id), version: version + 1 };
        await setDoctorVersion(tx, doctor_id, changed.version, now);
        await appendEvent(
          tx,
          exceptionEvent('exception-removed', changed, toException(row)),
          originOf(SOURCE, now, write),
        );
        await write.storeResponse(tx, undefined);
      });
    },
  };
}
