/** Reads the facts from which availability is computed. */
import {
  type AvailabilitySearchQuery,
  DEFAULT_LIMIT,
  MAX_SCHEDULE_PERIODS,
  type NewSchedule,
  type PageOf,
  permit,
  Refusal,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type Database, idFromBytes } from '@daybook/database';
import { decodeCursor, pageOf } from '@daybook/service';
import type { ExceptionInterval, WorkingTime } from '../domain/availability.ts';
import type { Interval } from '../domain/interval.ts';
import { periodsOf } from '../domain/periods.ts';
import { MAX_CLOSURES_AROUND } from './closures.ts';
import { MAX_OVERLAPPING } from './exceptions.ts';
import { toTypeIds } from './offered-types.ts';
import { toSchedule } from './schedules.ts';
import type { DoctorTables } from './tables.ts';
import {
  activeDoctors,
  type DoctorSelection,
  oneDoctor,
  type WorkingTimeRow,
  workingTimeQuery,
} from './working-time-query.ts';

export interface AvailabilityStore {
  /**
   * Returns a doctor's working time; undefined when the doctor does not exist.
   * @throws Refusal `range-too-long` when more than MAX_OVERLAPPING exceptions overlap the range
   */
  find(caller: VerifiedCaller, doctorId: string, range: Interval): Promise<WorkingTime | undefined>;
  /**
   * Returns the working time of the active doctors of a specialty, in the order of their ids.
   * @throws Refusal `range-too-long`
   */
  search(
    caller: VerifiedCaller,
    query: Pick<AvailabilitySearchQuery, 'specialty' | 'limit' | 'cursor'>,
    range: Interval,
  ): Promise<PageOf<WorkingTime>>;
}

/** A doctor with more rows has too many exceptions. */
const MAX_ROWS_OF_ONE = MAX_SCHEDULE_PERIODS + MAX_OVERLAPPING;

const tooManyExceptions = () =>
  new Refusal('range-too-long', `More than ${MAX_OVERLAPPING} exceptions lie in it: request a shorter one.`);

/** Returns the working time of one doctor, from all rows of that doctor and the closures of the clinic. */
function toWorkingTime(
  [doctorId, rows]: [string, readonly [WorkingTimeRow, ...WorkingTimeRow[]]],
  closures: readonly Interval[],
): WorkingTime {
  const [doctor] = rows;
  const schedules: NewSchedule[] = [];
  const exceptions: ExceptionInterval[] = [];
  const offered = rows.find(({ appointment_type_ids }) => appointment_type_ids !== null)?.appointment_type_ids;
  for (const { valid_from, time_zone, weekly_hours, kind, starts_at, ends_at } of rows) {
    if (kind !== null && starts_at !== null && ends_at !== null) {
      exceptions.push({ kind, start: starts_at, end: ends_at });
    } else if (valid_from !== null && time_zone !== null && weekly_hours !== null) {
      schedules.push(toSchedule({ valid_from, time_zone, weekly_hours }));
    }
  }
  if (exceptions.length > MAX_OVERLAPPING) throw tooManyExceptions();
  return {
    doctorId,
    version: doctor.version,
    timeZone: doctor.doctor_zone,
    active: doctor.active === 1,
    appointmentTypeIds: toTypeIds(offered),
    periods: periodsOf(schedules),
    exceptions,
    closures,
  };
}

export function createAvailabilityStore(database: Database<DoctorTables>): AvailabilityStore {
  async function read(selection: DoctorSelection, range: Interval, count: number): Promise<WorkingTime[]> {
    const atMost = MAX_CLOSURES_AROUND + count * MAX_ROWS_OF_ONE + 1;
    const { rows } = await database.read((db) => workingTimeQuery(selection, range, atMost).execute(db));
    const doctors = new Map<string, [WorkingTimeRow, ...WorkingTimeRow[]]>();
    const closures: Interval[] = [];
    for (const row of rows) {
      if (row.doctor_id === null) {
        closures.push({ start: row.starts_at, end: row.ends_at });
        continue;
      }
      const doctorId = idFromBytes(row.doctor_id);
      const known = doctors.get(doctorId);
      if (known) known.push(row);
      else doctors.set(doctorId, [row]);
    }
    return [...doctors].map((doctor) => toWorkingTime(doctor, closures));
  }

  return {
    async find(caller, doctorId, range) {
      permit(caller, rolesFor('getAvailability'));
      const [found] = await read(oneDoctor(doctorId), range, 1);
      return found;
    },

    async search(caller, { specialty, limit = DEFAULT_LIMIT, cursor }, range) {
      permit(caller, rolesFor('findAvailability'));
      const [after = ''] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
      const found = await read(activeDoctors(specialty, after, limit + 1), range, limit + 1);
      return pageOf(
        found,
        limit,
        ({ doctorId }) => [doctorId],
        (time) => time,
      );
    },
  };
}
