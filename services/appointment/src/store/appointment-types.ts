/** The appointment types of this service's database. */

import { createCoalescer } from '@daybook/async';
import {
  APPOINTMENT_TYPE_DEFAULTS,
  type AppointmentType,
  type AppointmentTypePatch,
  type AppointmentTypeQuery,
  applyMergePatch,
  DEFAULT_LIMIT,
  instantText,
  type NewAppointmentType,
  notFound,
  type PageOf,
  permit,
  Refusal,
  ROLES,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  type Database,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  mapUniqueViolation,
  newId,
  type WriteContext,
} from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { PEOPLE } from '../domain/ownership.ts';
import { requestTypeRevalidation } from './revalidation-requests.ts';
import type { AppointmentTables, AppointmentTypeRow } from './tables.ts';

export interface AppointmentTypeStore {
  /**
   * Adds a type.
   * @throws Refusal `name-taken`
   */
  add(
    caller: VerifiedCaller,
    input: NewAppointmentType,
    write: WriteContext<AppointmentType>,
  ): Promise<AppointmentType>;
  /** Returns a type that the caller may read. Patients read active ones only. */
  find(caller: VerifiedCaller, id: string): Promise<AppointmentType | undefined>;
  /** Returns a type whether it is active or not, for the rules of booking. */
  findAny(caller: VerifiedCaller, id: string): Promise<AppointmentType | undefined>;
  /**
   * Changes a type.
   * @throws Refusal `not-found`, `precondition-failed`, `name-taken`
   */
  change(
    caller: VerifiedCaller,
    id: string,
    patch: AppointmentTypePatch,
    write: WriteContext<AppointmentType>,
  ): Promise<AppointmentType>;
  list(caller: VerifiedCaller, query: AppointmentTypeQuery): Promise<PageOf<AppointmentType>>;
}

/** Callers without an account have the role of a patient. */
const readsActiveOnly = ({ role }: VerifiedCaller): boolean => role === 'patient';

/** An id below all others, from which the database reads along the key. */
const BEFORE_ALL = new Uint8Array(16);

const toAppointmentType = (row: AppointmentTypeRow): AppointmentType => ({
  id: idFromBytes(row.id),
  name: row.name,
  durationMinutes: row.duration_minutes,
  bufferBeforeMinutes: row.buffer_before_minutes,
  bufferAfterMinutes: row.buffer_after_minutes,
  minimumNoticeMinutes: row.minimum_notice_minutes,
  planningHorizonDays: row.planning_horizon_days,
  cancellationDeadlineMinutes: row.cancellation_deadline_minutes,
  capacity: row.capacity,
  active: row.active === 1,
  version: row.version,
  createdAt: isoFromMillis(row.created_at),
  updatedAt: isoFromMillis(row.updated_at),
});

const toRow = (type: AppointmentType): AppointmentTypeRow => ({
  id: idToBytes(type.id),
  name: type.name,
  duration_minutes: type.durationMinutes,
  buffer_before_minutes: type.bufferBeforeMinutes,
  buffer_after_minutes: type.bufferAfterMinutes,
  minimum_notice_minutes: type.minimumNoticeMinutes,
  planning_horizon_days: type.planningHorizonDays,
  cancellation_deadline_minutes: type.cancellationDeadlineMinutes,
  capacity: type.capacity,
  active: type.active ? 1 : 0,
  version: type.version,
  created_at: toMillis(type.createdAt),
  updated_at: toMillis(type.updatedAt),
});

export function createAppointmentTypeStore(database: Database<AppointmentTables>, clock: Clock): AppointmentTypeStore {
  const rejectTakenName = <Result>(work: Promise<Result>) =>
    mapUniqueViolation(
      database.dialect,
      work,
      () => new Refusal('name-taken', 'Another appointment type has that name.'),
    );

  /** Coalesces reads, because types are few and each booking and each search reads one. */
  const coalesce = createCoalescer<AppointmentType | undefined>();

  async function read(id: string): Promise<AppointmentType | undefined> {
    const row = await database.read((db) =>
      db.selectFrom('appointment_types').selectAll().where('id', '=', idToBytes(id)).executeTakeFirst(),
    );
    return row && toAppointmentType(row);
  }

  return {
    async add(caller, input, write) {
      permit(caller, ['administrator']);
      const at = instantText(clock());
      const type = { id: newId(), ...APPOINTMENT_TYPE_DEFAULTS, ...input, version: 1, createdAt: at, updatedAt: at };
      await database.write(async (tx) => {
        await rejectTakenName(tx.insertInto('appointment_types').values(toRow(type)).execute());
        await write.storeResponse(tx, type);
      });
      return type;
    },

    async find(caller, id) {
      permit(caller, PEOPLE);
      const type = await coalesce(id, () => read(id));
      return type?.active === false && readsActiveOnly(caller) ? undefined : type;
    },

    async findAny(caller, id) {
      permit(caller, ROLES);
      return coalesce(id, () => read(id));
    },

    async change(caller, id, patch, write) {
      permit(caller, ['administrator']);
      return database.write(async (tx) => {
        const row = await tx
          .selectFrom('appointment_types')
          .selectAll()
          .where('id', '=', idToBytes(id))
          .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!row) throw notFound('appointment type');
        write.checkVersion(row.version);
        const before = toAppointmentType(row);
        const type = {
          ...applyMergePatch(before, patch),
          version: before.version + 1,
          updatedAt: instantText(clock()),
        };
        const { id: _, ...columns } = toRow(type);
        await rejectTakenName(tx.updateTable('appointment_types').set(columns).where('id', '=', row.id).execute());
        // The update locks the type, so no appointment of it can be written before the revalidation reads
        // (type-versions.ts).
        if (type.active !== before.active)
          await requestTypeRevalidation(tx, database.dialect, type, clock().epochMilliseconds);
        await write.storeResponse(tx, type);
        return type;
      });
    },

    async list(caller, { limit = DEFAULT_LIMIT, cursor }) {
      permit(caller, PEOPLE);
      const [after] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
      const rows = await database.read((db) => {
        let query = db.selectFrom('appointment_types').selectAll();
        if (readsActiveOnly(caller)) query = query.where('active', '=', 1).where('id', '>', BEFORE_ALL);
        if (after !== undefined) query = query.where('id', '>', idToBytes(after));
        return query
          .orderBy('id')
          .limit(limit + 1)
          .execute();
      });
      return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toAppointmentType);
    },
  };
}
