/**
 * Selects the hours and the exceptions of some doctors in a range, with the doctors' versions, and the closures.
 * One statement reads a consistent state, in any database and without a transaction.
 */
import { clampToRfc3339, DAY, type ExceptionKind } from '@daybook/contracts';
import { idToBytes, isoFromMillis } from '@daybook/database';
import { type RawBuilder, sql } from 'kysely';
import type { Interval } from '../domain/interval.ts';
import { closesDuring } from './closures.ts';
import { overlapsRange } from './exceptions.ts';

/** A closure, which no doctor has. */
interface ClosureRow {
  doctor_id: null;
  starts_at: number;
  ends_at: number;
}

/** A period of a doctor's hours, or an exception, or neither for a doctor without hours. */
export interface WorkingTimeRow {
  doctor_id: Uint8Array;
  version: number;
  active: number;
  doctor_zone: string;
  /** A JSON array, or null for all. Rows of exceptions do not have it. */
  appointment_type_ids: string | null;
  valid_from: string | null;
  time_zone: string | null;
  weekly_hours: string | null;
  kind: ExceptionKind | null;
  starts_at: number | null;
  ends_at: number | null;
}

/** A query of doctors: their ids, versions, activity, zones, and appointment types. */
export type DoctorSelection = RawBuilder<unknown>;

export const oneDoctor = (doctorId: string): DoctorSelection => sql`
  select id, version, active, time_zone, appointment_type_ids from doctors where id = ${idToBytes(doctorId)}`;

/** Selects active doctors of a specialty. The key of the specialties is in the order of the ids. */
export const activeDoctors = (specialty: string, after: string, count: number): DoctorSelection => sql`
  select doctors.id, doctors.version, doctors.active, doctors.time_zone, doctors.appointment_type_ids
  from doctor_specialties as specialists inner join doctors on doctors.id = specialists.doctor_id
  where specialists.specialty = ${specialty} and specialists.doctor_id > ${idToBytes(after)} and doctors.active = 1
  order by specialists.doctor_id limit ${count}`;

/** Returns the date in UTC. The date in every zone is less than a whole day away. */
const dateAt = (instant: number): string => isoFromMillis(clampToRfc3339(instant)).slice(0, '2026-12-01'.length);

/**
 * Returns the statement: first the closures, then in the order of the doctors' ids and of each doctor's periods.
 * A period is included if it begins before the range ends and no later one begins before the range.
 * (Written as SQL, because Kysely takes longer to build this statement than SQLite to run it.)
 */
export const workingTimeQuery = (selection: DoctorSelection, range: Interval, atMost: number) => sql<
  WorkingTimeRow | ClosureRow
>`
  with chosen as (${selection})
  select chosen.id as doctor_id, chosen.version, chosen.active, chosen.time_zone as doctor_zone,
    chosen.appointment_type_ids,
    periods.valid_from, periods.time_zone, periods.weekly_hours,
    null as kind, null as starts_at, null as ends_at
  from chosen left join schedule_periods as periods
    on periods.doctor_id = chosen.id
    and periods.valid_from <= ${dateAt(range.end + DAY)}
    and not exists (
      select 1 from schedule_periods as later
      where later.doctor_id = periods.doctor_id
        and later.valid_from > periods.valid_from
        and later.valid_from <= ${dateAt(range.start - DAY)})
  union all
  select chosen.id, chosen.version, chosen.active, chosen.time_zone, null,
    null, null, null,
    schedule_exceptions.kind, schedule_exceptions.starts_at, schedule_exceptions.ends_at
  from chosen inner join schedule_exceptions
    on schedule_exceptions.doctor_id = chosen.id and ${overlapsRange(range)}
  union all
  select null, null, null, null, null, null, null, null, null, closures.starts_at, closures.ends_at
  from closures where ${closesDuring(range)}
  order by doctor_id, valid_from
  limit ${atMost}`;
