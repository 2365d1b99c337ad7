/** The clinic of this Daybook: one row, which is missing until the first change. */
import {
  applyMergePatch,
  type Caller,
  type Clinic,
  type ClinicPatch,
  instantText,
  permit,
  ROLES,
  toMillis,
} from '@daybook/contracts';
import { type Database, type DatabaseDialect, isoFromMillis, type WriteContext } from '@daybook/database';
import { type Clock, toE164 } from '@daybook/service';
import type { ClinicRow, DoctorTables, Tx } from './tables.ts';

export interface ClinicStore {
  find(caller: Caller): Promise<Clinic>;
  /**
   * Changes the clinic. A new zone applies to later closures only.
   * @throws Refusal `precondition-failed`
   */
  change(caller: Caller, patch: ClinicPatch, write: WriteContext<Clinic>): Promise<Clinic>;
}

const ID = 1;

/** The clinic until an administrator describes it. */
const DEFAULTS: Clinic = {
  name: 'Daybook clinic',
  timeZone: 'UTC',
  branding: { accentColour: '#1f5f8b' },
  version: 1,
};

const toClinic = ({ time_zone, details, version, updated_at }: ClinicRow): Clinic => ({
  ...JSON.parse(details),
  timeZone: time_zone,
  version,
  ...(updated_at !== null && { updatedAt: isoFromMillis(updated_at) }),
});

function toRow({ timeZone, version, updatedAt, ...details }: Clinic): ClinicRow {
  return {
    id: ID,
    time_zone: timeZone,
    details: JSON.stringify(details),
    version,
    updated_at: updatedAt === undefined ? null : toMillis(updatedAt),
  };
}

/** Returns the clinic, and locks it until the transaction ends. Changes of the clinic and of closures are serialized. */
export async function lockClinic(tx: Tx, dialect: DatabaseDialect): Promise<Clinic> {
  const stored = tx
    .selectFrom('clinic')
    .selectAll()
    .where('id', '=', ID)
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate());
  const row = await stored.executeTakeFirst();
  if (row) return toClinic(row);
  await tx.insertInto('clinic').ignore().values(toRow(DEFAULTS)).execute();
  return toClinic(await stored.executeTakeFirstOrThrow());
}

/** Returns a patch with the phone as E.164 and the colour in lower case. */
function normalized(patch: ClinicPatch): ClinicPatch {
  const { phone, branding } = patch;
  const accentColour = branding?.accentColour?.toLowerCase();
  return {
    ...patch,
    ...(typeof phone === 'string' && { phone: toE164(phone) ?? phone }),
    ...(accentColour !== undefined && { branding: { ...branding, accentColour } }),
  };
}

export function createClinicStore(database: Database<DoctorTables>, clock: Clock): ClinicStore {
  return {
    async find(caller) {
      permit(caller, ROLES);
      const row = await database.read((db) =>
        db.selectFrom('clinic').selectAll().where('id', '=', ID).executeTakeFirst(),
      );
      return row ? toClinic(row) : DEFAULTS;
    },

    async change(caller, patch, write) {
      permit(caller, ['administrator']);
      const now = clock();
      return database.write(async (tx) => {
        const before = await lockClinic(tx, database.dialect);
        write.checkVersion(before.version);
        const clinic = {
          ...applyMergePatch(before, normalized(patch)),
          version: before.version + 1,
          updatedAt: instantText(now),
        };
        await tx.updateTable('clinic').set(toRow(clinic)).where('id', '=', ID).execute();
        await write.storeResponse(tx, clinic);
        return clinic;
      });
    },
  };
}
