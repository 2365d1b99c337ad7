/** The doctors of this service's database. */
import {
  applyMergePatch,
  type Doctor,
  type DoctorPatch,
  type DoctorQuery,
  instantText,
  type NewDoctor,
  nameTerms,
  type PageOf,
  permit,
  rolesFor,
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
  writeSearchTerms,
} from '@daybook/database';
import { assertContactsOnly, type Clock, tidyPerson } from '@daybook/service';
import { doctorEvent, SOURCE } from '../events/published.ts';
import { searchDoctors } from './doctor-search.ts';
import { lockDoctor } from './doctor-version.ts';
import { normalTypeIds, toTypeIds } from './offered-types.ts';
import { seesPublicPart } from './ownership.ts';
import type { DoctorRow, DoctorTables, Tx } from './tables.ts';

export interface DoctorStore {
  register(caller: VerifiedCaller, input: NewDoctor, write: WriteContext<Doctor>): Promise<Doctor>;
  find(caller: VerifiedCaller, id: string): Promise<Doctor | undefined>;
  /**
   * Changes a doctor.
   * @throws Refusal `forbidden`, `not-found`, `precondition-failed`
   */
  change(caller: VerifiedCaller, id: string, patch: DoctorPatch, write: WriteContext<Doctor>): Promise<Doctor>;
  search(caller: VerifiedCaller, query: DoctorQuery): Promise<PageOf<Doctor>>;
}

function toDoctor(row: DoctorRow): Doctor {
  const appointmentTypeIds = toTypeIds(row.appointment_type_ids);
  return {
    id: idFromBytes(row.id),
    ...(row.given_name !== null && { givenName: row.given_name }),
    familyName: row.family_name,
    timeZone: row.time_zone,
    ...JSON.parse(row.details),
    ...(appointmentTypeIds && { appointmentTypeIds }),
    active: row.active === 1,
    version: row.version,
    createdAt: isoFromMillis(row.created_at),
    updatedAt: isoFromMillis(row.updated_at),
  };
}

/** The members of their own record that doctors change, and that patients do not see. */
const CONTACTS = ['phone', 'email'] as const satisfies readonly (keyof Doctor)[];

/** Returns a doctor as patients and visitors see it. */
function toPublicDoctor(row: DoctorRow): Doctor {
  const { phone, email, ...publicPart } = toDoctor(row);
  return publicPart;
}

function toColumns(doctor: Doctor): Omit<DoctorRow, 'id' | 'created_at'> {
  const { id, givenName, familyName, timeZone, active, appointmentTypeIds, version, createdAt, updatedAt, ...details } =
    doctor;
  return {
    given_name: givenName ?? null,
    family_name: familyName,
    time_zone: timeZone,
    active: active ? 1 : 0,
    appointment_type_ids: appointmentTypeIds ? JSON.stringify(appointmentTypeIds) : null,
    details: JSON.stringify(details),
    version,
    updated_at: toMillis(updatedAt),
  };
}

/** Returns the doctor with normalized ids of appointment types. */
function withNormalIds(doctor: Doctor): Doctor {
  const appointmentTypeIds = normalTypeIds(doctor.appointmentTypeIds);
  return { ...doctor, ...(appointmentTypeIds && { appointmentTypeIds }) };
}

/** Writes the derived tables of a doctor: specialties and search terms. */
async function index(tx: Tx, doctor: Doctor): Promise<void> {
  const doctor_id = idToBytes(doctor.id);
  await tx.deleteFrom('doctor_specialties').where('doctor_id', '=', doctor_id).execute();
  await writeSearchTerms(tx, doctor_id, nameTerms(doctor.givenName, doctor.familyName));
  const specialties = doctor.specialties.map((specialty) => ({ specialty, doctor_id }));
  if (specialties.length > 0) await tx.insertInto('doctor_specialties').values(specialties).execute();
}

export function createDoctorStore(database: Database<DoctorTables>, clock: Clock): DoctorStore {
  return {
    async register(caller, input, write) {
      permit(caller, rolesFor('registerDoctor'));
      const now = clock();
      const doctor = withNormalIds({
        id: newId(),
        specialties: [],
        languages: [],
        active: true,
        ...tidyPerson(input),
        version: 1,
        createdAt: instantText(now),
        updatedAt: instantText(now),
      });
      await database.write(async (tx) => {
        await tx
          .insertInto('doctors')
          .values({ id: idToBytes(doctor.id), created_at: now.epochMilliseconds, ...toColumns(doctor) })
          .execute();
        await index(tx, doctor);
        await appendEvent(tx, doctorEvent('registered', doctor), originOf(SOURCE, now, write));
        await write.storeResponse(tx, doctor);
      });
      return doctor;
    },

    async find(caller, id) {
      permit(caller, rolesFor('getDoctor'));
      const isPublic = seesPublicPart(caller);
      const row = await database.read((db) =>
        db
          .selectFrom('doctors')
          .selectAll()
          .where('id', '=', idToBytes(id))
          .$if(isPublic, (query) => query.where('active', '=', 1))
          .executeTakeFirst(),
      );
      return row && (isPublic ? toPublicDoctor(row) : toDoctor(row));
    },

    async change(caller, id, patch, write) {
      permit(caller, rolesFor('changeDoctor'));
      if (caller.role === 'doctor') assertContactsOnly(patch, CONTACTS, 'an administrator');
      const now = clock();
      return database.write(async (tx) => {
        const row = await lockDoctor(tx, database.dialect, caller, idToBytes(id));
        write.checkVersion(row.version);
        const before = toDoctor(row);
        const doctor = withNormalIds({
          ...applyMergePatch(before, tidyPerson(patch)),
          version: before.version + 1,
          updatedAt: instantText(now),
        });
        await tx.updateTable('doctors').set(toColumns(doctor)).where('id', '=', row.id).execute();
        await index(tx, doctor);
        const kind = before.active && !doctor.active ? 'deactivated' : 'updated';
        await appendEvent(tx, doctorEvent(kind, doctor), originOf(SOURCE, now, write));
        await write.storeResponse(tx, doctor);
        return doctor;
      });
    },

    async search(caller, query) {
      permit(caller, rolesFor('findDoctors'));
      if (!seesPublicPart(caller)) return searchDoctors(database, query, toDoctor);
      if (query.active === false) return { items: [] };
      return searchDoctors(database, { ...query, active: true }, toPublicDoctor);
    },
  };
}
