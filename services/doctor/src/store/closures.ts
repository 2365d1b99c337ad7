/** Stores the closures of the clinic. The worker in `jobs/closure-announcer.ts` announces each change to every doctor. */
import {
  type Caller,
  type Closure,
  type ClosureQuery,
  DAY,
  DEFAULT_LIMIT,
  MAX_AVAILABILITY_DAYS,
  MAX_CLOSURE_DAYS,
  type NewClosure,
  notFound,
  type PageOf,
  permit,
  Refusal,
  ROLES,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis, newId, type WriteContext } from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { type Expression, expressionBuilder, type SqlBool } from 'kysely';
import { closureInterval, LONGEST_CLOSURE_MILLIS } from '../domain/closure-interval.ts';
import type { Interval } from '../domain/interval.ts';
import { lockClinic } from './clinic.ts';
import type { ClosureAnnouncementRow, ClosureRow, DoctorTables, Tx } from './tables.ts';

export interface ClosureStore {
  /**
   * Adds a closure, in the present zone of the clinic.
   * @throws Refusal `invalid-interval`, `range-too-long`, `too-many-closures`
   */
  add(caller: Caller, input: NewClosure, write: WriteContext<Closure>): Promise<Closure>;
  /** Returns a page in the order of the first days. */
  list(caller: Caller, query: ClosureQuery): Promise<PageOf<Closure>>;
  /**
   * Removes a closure.
   * @throws Refusal `not-found`, `precondition-failed`
   */
  remove(caller: Caller, id: string, write: WriteContext<unknown>): Promise<void>;
}

/** The most closures that one range of availability can overlap. More around any such range are rejected. */
export const MAX_CLOSURES_AROUND = 100;

/** Matches closures that overlap the range. The lower bound of the starts lets the index find them. */
export function closesDuring({ start, end }: Interval): Expression<SqlBool> {
  const where = expressionBuilder<DoctorTables, 'closures'>();
  return where.and([
    where('closures.starts_at', '>', start - LONGEST_CLOSURE_MILLIS),
    where('closures.starts_at', '<', end),
    where('closures.ends_at', '>', start),
  ]);
}

const toClosure = (row: ClosureRow): Closure => ({
  id: idFromBytes(row.id),
  startDate: row.start_date,
  endDate: row.end_date,
  timeZone: row.time_zone,
  start: isoFromMillis(row.starts_at),
  end: isoFromMillis(row.ends_at),
  reason: row.reason,
  createdAt: isoFromMillis(row.created_at),
});

/** @throws Refusal `too-many-closures` */
async function requireFewAround(tx: Tx, { start, end }: Interval): Promise<void> {
  const margin = MAX_AVAILABILITY_DAYS * DAY;
  const neighbours = await tx
    .selectFrom('closures')
    .select('closures.starts_at')
    .where(closesDuring({ start: start - margin, end: end + margin }))
    .limit(MAX_CLOSURES_AROUND)
    .execute();
  if (neighbours.length < MAX_CLOSURES_AROUND) return;
  const detail = `The clinic has at most ${MAX_CLOSURES_AROUND} closures around one time: remove some.`;
  throw new Refusal('too-many-closures', detail);
}

/** Requests an event of each doctor, in the transaction of the change. */
async function requestAnnouncement(
  tx: Tx,
  kind: ClosureAnnouncementRow['kind'],
  { id, starts_at, ends_at }: ClosureRow,
  { traceparent }: Pick<WriteContext<unknown>, 'traceparent'>,
): Promise<void> {
  await tx
    .insertInto('closure_announcements')
    .values({ closure_id: id, kind, starts_at, ends_at, traceparent: traceparent ?? null, last_doctor_id: null })
    .execute();
}

/** Returns the earliest first day of a closure that ends on this day or later. */
const earliestFirstDay = (lastDay: string): string => {
  const [earliest, day] = [Temporal.PlainDate.from('0000-01-01'), Temporal.PlainDate.from(lastDay)];
  const first = day.subtract({ days: MAX_CLOSURE_DAYS });
  return (Temporal.PlainDate.compare(first, earliest) < 0 ? earliest : first).toString();
};

/** `onChange` is called after each change, because an announcement is due. */
export function createClosureStore(database: Database<DoctorTables>, clock: Clock, onChange: () => void): ClosureStore {
  return {
    async add(caller, input, write) {
      permit(caller, ['administrator']);
      const now = clock();
      const id = newId();
      const closure = await database.write(async (tx) => {
        const { timeZone } = await lockClinic(tx, database.dialect);
        const interval = closureInterval(input, timeZone);
        await requireFewAround(tx, interval);
        const row: ClosureRow = {
          id: idToBytes(id),
          start_date: input.startDate,
          end_date: input.endDate,
          time_zone: timeZone,
          starts_at: interval.start,
          ends_at: interval.end,
          reason: input.reason,
          created_at: now.epochMilliseconds,
        };
        await tx.insertInto('closures').values(row).execute();
        await requestAnnouncement(tx, 'closure-added', row, write);
        const added = toClosure(row);
        await write.storeResponse(tx, added);
        return added;
      });
      onChange();
      return closure;
    },

    async list(caller, { from, to, limit = DEFAULT_LIMIT, cursor }) {
      permit(caller, ROLES);
      const after = cursor === undefined ? undefined : decodeCursor(cursor, ['string', 'id']);
      return database.read(async (db) => {
        let query = db.selectFrom('closures').selectAll();
        if (from !== undefined) {
          query = query.where('start_date', '>=', earliestFirstDay(from)).where('end_date', '>=', from);
        }
        if (to !== undefined) query = query.where('start_date', '<=', to);
        if (after) {
          const [startDate, id] = after;
          query = query
            .where('start_date', '>=', startDate)
            .where((where) => where.or([where('start_date', '>', startDate), where('id', '>', idToBytes(id))]));
        }
        const rows = await query
          .orderBy('start_date')
          .orderBy('id')
          .limit(limit + 1)
          .execute();
        return pageOf(rows, limit, (row) => [row.start_date, idFromBytes(row.id)], toClosure);
      });
    },

    async remove(caller, closureId, write) {
      permit(caller, ['administrator']);
      const id = idToBytes(closureId);
      await database.write(async (tx) => {
        await lockClinic(tx, database.dialect);
        const row = await tx.selectFrom('closures').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) throw notFound('closure');
        // A closure is removed and added, never changed.
        write.checkVersion(1);
        await tx.deleteFrom('closures').where('id', '=', id).execute();
        await requestAnnouncement(tx, 'closure-removed', row, write);
        await write.storeResponse(tx, undefined);
      });
      onChange();
    },
  };
}
