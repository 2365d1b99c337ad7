/** Reading many appointments, and what happened to one. */
import {
  type Appointment,
  type AppointmentQuery,
  type AppointmentStatus,
  type Caller,
  DEFAULT_LIMIT,
  type HistoryEntry,
  type PageOf,
  permit,
  STAFF,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { sql } from 'kysely';
import { toMillis } from '../domain/time.ts';
import { toAppointment } from './appointment-row.ts';
import type { AppointmentTables } from './tables.ts';

export interface AppointmentReads {
  /** In the order of their starts. */
  list(caller: Caller, query: AppointmentQuery): Promise<PageOf<Appointment>>;
  /** Oldest first; empty when there is no such appointment, since every appointment has at least its booking. */
  history(caller: Caller, id: string): Promise<HistoryEntry[]>;
}

/** An appointment changes a few times, not thousands; what is shown is bounded all the same. */
const MAX_HISTORY = 1000;

/**
 * The index is for the list of all that need it: where a person is named, or none need it, it would be read from one end to
 * the other. An expression keeps the database from choosing it.
 */
const needing = (needs: boolean, personId: string | undefined) =>
  needs && personId === undefined
    ? sql<boolean>`needs_rescheduling = 1`
    : sql<boolean>`needs_rescheduling + 0 = ${sql.lit(needs ? 1 : 0)}`;

/** So is the index of the status: elsewhere another one leads to fewer. */
const having = (status: AppointmentStatus, isAll: boolean) =>
  isAll ? sql<boolean>`status = ${status}` : sql<boolean>`coalesce(status, '') = ${status}`;

export function createAppointmentReads(database: Database<AppointmentTables>, clock: Clock): AppointmentReads {
  return {
    async list(caller, { patientId, doctorId, status, needsRescheduling, from, to, limit = DEFAULT_LIMIT, cursor }) {
      permit(caller, STAFF);
      const after = cursor === undefined ? undefined : decodeCursor(cursor, ['number', 'id']);
      const rows = await database.read((db) => {
        let query = db.selectFrom('appointments').selectAll();
        if (patientId !== undefined) query = query.where('patient_id', '=', idToBytes(patientId));
        if (doctorId !== undefined) query = query.where('doctor_id', '=', idToBytes(doctorId));
        if (status !== undefined) {
          const isAll = patientId === undefined && doctorId === undefined && needsRescheduling !== true;
          query = query.where(having(status, isAll));
        }
        if (needsRescheduling !== undefined) query = query.where(needing(needsRescheduling, patientId ?? doctorId));
        const now = needsRescheduling ? clock().epochMilliseconds : undefined;
        const earliest = from === undefined ? now : toMillis(from);
        if (earliest !== undefined) query = query.where('starts_at', '>=', earliest);
        if (to !== undefined) query = query.where('starts_at', '<', toMillis(to));
        if (after) {
          const [startsAt, id] = [Number(after[0]), idToBytes(String(after[1]))];
          // The first condition is what lets the index begin there.
          query = query
            .where('starts_at', '>=', startsAt)
            .where((where) => where.or([where('starts_at', '>', startsAt), where('id', '>', id)]));
        }
        return query
          .orderBy('starts_at')
          .orderBy('id')
          .limit(limit + 1)
          .execute();
      });
      return pageOf(rows, limit, (row) => [row.starts_at, idFromBytes(row.id)], toAppointment);
    },

    async history(caller, id) {
      permit(caller, STAFF);
      const rows = await database.read((db) =>
        db
          .selectFrom('appointment_history')
          .select('entry')
          .where('appointment_id', '=', idToBytes(id))
          .orderBy('version')
          .limit(MAX_HISTORY)
          .execute(),
      );
      return rows.map(({ entry }) => JSON.parse(entry));
    },
  };
}
