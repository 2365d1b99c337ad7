/** Reads the history of an appointment. */
import { CLINIC_STAFF, type HistoryEntry, permit } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import { PEOPLE } from '../domain/ownership.ts';
import type { AppointmentHistory } from '../domain/ports.ts';
import { visibleHistory } from '../domain/visibility.ts';
import { isOfOwn } from './ownership.ts';
import type { AppointmentTables } from './tables.ts';

/** The most entries returned. Appointments change a few times, but every response is bounded. */
const MAX_ENTRIES = 1000;
/** Enough for the whole history of most visits. */
const ENTRIES_PER_READ = 100;

export const createAppointmentHistory = (database: Database<AppointmentTables>): AppointmentHistory => ({
  async entries(caller, id) {
    permit(caller, PEOPLE);
    const rows = await database.read((db) =>
      db
        .selectFrom('appointment_history')
        .select((columns) => [
          'entry',
          columns
            .selectFrom('appointments')
            .select('appointments.patient_id')
            .whereRef('appointments.id', '=', 'appointment_history.appointment_id')
            .as('patient_id'),
        ])
        .where('appointment_id', '=', idToBytes(id))
        .where(isOfOwn(caller))
        .orderBy('version')
        .limit(MAX_ENTRIES)
        .execute(),
    );
    const entries: HistoryEntry[] = rows.map(({ entry }) => JSON.parse(entry));
    const patientIds = rows.flatMap(({ patient_id }) => (patient_id === null ? [] : [idFromBytes(patient_id)]));
    return { items: visibleHistory(caller, entries), patientIds: [...new Set(patientIds)] };
  },

  // Reads page by page, because the last steps are usually among the newest few.
  async *actions(caller, id) {
    permit(caller, CLINIC_STAFF);
    let before = Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = await database.read((db) =>
        db
          .selectFrom('appointment_history')
          .select(['version', 'entry'])
          .where('appointment_id', '=', idToBytes(id))
          .where(isOfOwn(caller))
          .where('version', '<', before)
          .orderBy('version', 'desc')
          .limit(ENTRIES_PER_READ)
          .execute(),
      );
      for (const { version, entry } of rows) {
        const { action }: HistoryEntry = JSON.parse(entry);
        before = version;
        yield action;
      }
      if (rows.length < ENTRIES_PER_READ) return;
    }
  },
});
