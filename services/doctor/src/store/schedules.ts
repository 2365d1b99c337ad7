/** The doctors' weekly hours. */
import { type Caller, permit, ROLES, type Schedule, STAFF } from '@daybook/contracts';
import { appendEvent, type Database, idFromBytes, idToBytes, type WriteContext } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { doctorEvent, SOURCE } from '../events.ts';
import { lockDoctor, setDoctorVersion } from './doctor-version.ts';
import type { DoctorTables } from './tables.ts';

export interface StoredSchedule extends Schedule {
  /** Of the schedule; while none was ever set, minus that of the doctor, whose zone is shown: no two contents share one. */
  readonly version: number;
}

export interface ScheduleOfDoctor {
  readonly schedule: StoredSchedule;
  /** Whether the doctor may have new appointments. */
  readonly active: boolean;
}

export interface ScheduleStore {
  /** A doctor without a schedule has no hours. Undefined when there is no such doctor. */
  find(caller: Caller, doctorId: string): Promise<ScheduleOfDoctor | undefined>;
  /** @throws Refusal `not-found`, `precondition-failed` */
  replace(
    caller: Caller,
    doctorId: string,
    schedule: Schedule,
    write: WriteContext<StoredSchedule>,
  ): Promise<StoredSchedule>;
}

export function createScheduleStore(database: Database<DoctorTables>, clock: Clock): ScheduleStore {
  return {
    async find(caller, doctorId) {
      permit(caller, ROLES);
      const row = await database.read((db) =>
        db
          .selectFrom('doctors')
          .leftJoin('schedules', 'schedules.doctor_id', 'doctors.id')
          .select(['doctors.time_zone as doctor_zone', 'doctors.active', 'doctors.version as doctor_version'])
          .select(['schedules.time_zone', 'schedules.weekly_hours', 'schedules.version'])
          .where('doctors.id', '=', idToBytes(doctorId))
          .executeTakeFirst(),
      );
      if (!row) return undefined;
      const schedule = {
        timeZone: row.time_zone ?? row.doctor_zone,
        weeklyHours: row.weekly_hours === null ? [] : JSON.parse(row.weekly_hours),
        version: row.version ?? -row.doctor_version,
      };
      return { schedule, active: row.active === 1 };
    },

    async replace(caller, doctorId, schedule, write) {
      permit(caller, STAFF);
      const now = clock();
      const doctor_id = idToBytes(doctorId);
      return database.write(async (transaction) => {
        const doctorVersion = await lockDoctor(transaction, database.dialect, doctor_id);
        const before = await transaction
          .selectFrom('schedules')
          .select('version')
          .where('doctor_id', '=', doctor_id)
          .executeTakeFirst();
        write.checkVersion(before?.version ?? -doctorVersion);
        const version = (before?.version ?? 0) + 1;
        const columns = {
          time_zone: schedule.timeZone,
          weekly_hours: JSON.stringify(schedule.weeklyHours),
          version,
          updated_at: now.epochMilliseconds,
        };
        if (before) {
          await transaction.updateTable('schedules').set(columns).where('doctor_id', '=', doctor_id).execute();
        } else {
          await transaction
            .insertInto('schedules')
            .values({ doctor_id, ...columns })
            .execute();
        }
        const changed = { id: idFromBytes(doctor_id), version: doctorVersion + 1 };
        await setDoctorVersion(transaction, doctor_id, changed.version, now);
        await appendEvent(transaction, doctorEvent('schedule-changed', changed), {
          source: SOURCE,
          time: now,
          traceparent: write.traceparent,
        });
        const stored = { ...schedule, version };
        await write.keep(transaction, stored);
        return stored;
      });
    },
  };
}
