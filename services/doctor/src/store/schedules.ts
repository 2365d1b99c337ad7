/** Stores the doctors' weekly hours, in periods. */
import {
  MAX_SCHEDULE_PERIODS,
  type NewSchedule,
  permit,
  Refusal,
  rolesFor,
  type Schedule,
  type VerifiedCaller,
} from '@daybook/contracts';
import { appendEvent, type Database, idFromBytes, idToBytes, originOf, type WriteContext } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { periodsOf, scheduleOn, UNBOUNDED_START, withoutUnboundedStart } from '../domain/periods.ts';
import { dayAt, midnightOf } from '../domain/wall-clock.ts';
import { doctorEvent, SOURCE } from '../events/published.ts';
import { lockDoctor, setDoctorVersion } from './doctor-version.ts';
import type { DoctorTables, SchedulePeriodRow } from './tables.ts';

export interface StoredSchedule {
  readonly schedule: Schedule;
  /**
   * The version of all the doctor's hours.
   * Without any hours it is minus the version of the doctor, whose zone the response contains.
   * The version and the first day of a period together identify the content.
   */
  readonly version: number;
}

export interface ScheduleStore {
  /** Returns the hours in force on a day, by default today; undefined when the doctor does not exist. */
  find(caller: VerifiedCaller, doctorId: string, on?: string): Promise<StoredSchedule | undefined>;
  /**
   * Replaces all hours from the first day of the schedule on, or all hours when it has no first day.
   * @throws Refusal `not-found`, `precondition-failed`, `too-many-periods`
   */
  replace(
    caller: VerifiedCaller,
    doctorId: string,
    schedule: NewSchedule,
    write: WriteContext<StoredSchedule>,
  ): Promise<StoredSchedule>;
}

export const toSchedule = (row: Pick<SchedulePeriodRow, 'valid_from' | 'time_zone' | 'weekly_hours'>): NewSchedule =>
  withoutUnboundedStart({
    timeZone: row.time_zone,
    weeklyHours: JSON.parse(row.weekly_hours),
    validFrom: row.valid_from,
  });

/** Returns the highest version of the periods, which the latest change of hours wrote. */
const versionOf = (periods: readonly { version: number }[], doctorVersion: number): number =>
  periods.length === 0 ? -doctorVersion : Math.max(...periods.map(({ version }) => version));

const tooManyPeriods = () =>
  new Refusal(
    'too-many-periods',
    `A schedule has at most ${MAX_SCHEDULE_PERIODS} periods: let these hours begin earlier, in place of others.`,
  );

export function createScheduleStore(database: Database<DoctorTables>, clock: Clock): ScheduleStore {
  return {
    async find(caller, doctorId, on) {
      permit(caller, rolesFor('getSchedule'));
      const now = clock().epochMilliseconds;
      const rows = await database.read((db) =>
        db
          .selectFrom('doctors')
          .leftJoin('schedule_periods as periods', 'periods.doctor_id', 'doctors.id')
          .select(['doctors.time_zone as doctor_zone', 'doctors.version as doctor_version'])
          .select(['periods.valid_from', 'periods.time_zone', 'periods.weekly_hours', 'periods.version'])
          .where('doctors.id', '=', idToBytes(doctorId))
          .orderBy('periods.valid_from')
          .execute(),
      );
      const [doctor] = rows;
      if (!doctor) return undefined;
      const periods = rows.filter(isPeriod);
      const schedule = scheduleOn(periodsOf(periods.map(toSchedule)), (timeZone) =>
        on === undefined ? dayAt(now, timeZone) : midnightOf(on),
      );
      return {
        schedule: schedule ?? { timeZone: doctor.doctor_zone, weeklyHours: [] },
        version: versionOf(periods, doctor.doctor_version),
      };
    },

    async replace(caller, doctorId, schedule, write) {
      permit(caller, rolesFor('replaceSchedule'));
      const now = clock();
      const doctor_id = idToBytes(doctorId);
      const valid_from = schedule.validFrom ?? UNBOUNDED_START;
      return database.write(async (tx) => {
        const { version: doctorVersion } = await lockDoctor(tx, database.dialect, caller, doctor_id);
        const periods = await tx
          .selectFrom('schedule_periods')
          .select(['valid_from', 'version'])
          .where('doctor_id', '=', doctor_id)
          .execute();
        write.checkVersion(versionOf(periods, doctorVersion));
        const remaining = periods.filter((period) => period.valid_from < valid_from);
        if (remaining.length >= MAX_SCHEDULE_PERIODS) throw tooManyPeriods();
        await tx
          .deleteFrom('schedule_periods')
          .where('doctor_id', '=', doctor_id)
          .where('valid_from', '>=', valid_from)
          .execute();
        const changed = { id: idFromBytes(doctor_id), version: doctorVersion + 1 };
        const row: SchedulePeriodRow = {
          doctor_id,
          valid_from,
          time_zone: schedule.timeZone,
          weekly_hours: JSON.stringify(schedule.weeklyHours),
          version: changed.version,
          updated_at: now.epochMilliseconds,
        };
        await tx.insertInto('schedule_periods').values(row).execute();
        await setDoctorVersion(tx, doctor_id, changed.version, now);
        await appendEvent(tx, doctorEvent('schedule-changed', changed), originOf(SOURCE, now, write));
        const stored = { schedule: withoutUnboundedStart(schedule), version: changed.version };
        await write.storeResponse(tx, stored);
        return stored;
      });
    },
  };
}

type PeriodColumns = 'valid_from' | 'time_zone' | 'weekly_hours' | 'version';

/** Returns whether a row has a period. A doctor without hours has one row without a period. */
const isPeriod = <Row extends { [column in PeriodColumns]: unknown }>(
  row: Row,
): row is Row & Pick<SchedulePeriodRow, PeriodColumns> => row.valid_from !== null;
