/** Reads the appointments of a patient with their histories, for an export. */
import {
  type ExportedAppointment,
  type HistoryEntry,
  type PageOf,
  type PatientPartQuery,
  permit,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import type { ListAppointments } from './appointment-list.ts';
import type { AppointmentTables } from './tables.ts';

/** Returns a page in the order of the starts. */
export type ExportAppointments = (
  caller: VerifiedCaller,
  query: PatientPartQuery,
) => Promise<PageOf<ExportedAppointment>>;

export const createAppointmentExport =
  (database: Database<AppointmentTables>, list: ListAppointments): ExportAppointments =>
  async (caller, query) => {
    permit(caller, rolesFor('exportAppointments'));
    const { items, ...page } = await list(caller, query);
    if (items.length === 0) return { items: [] };
    const entries = await database.read((db) =>
      db
        .selectFrom('appointment_history')
        .selectAll()
        .where(
          'appointment_id',
          'in',
          items.map(({ id }) => idToBytes(id)),
        )
        .orderBy('appointment_id')
        .orderBy('version')
        .execute(),
    );
    const histories = Map.groupBy(entries, ({ appointment_id }) => idFromBytes(appointment_id));
    const historyOf = (id: string): HistoryEntry[] => (histories.get(id) ?? []).map(({ entry }) => JSON.parse(entry));
    return { ...page, items: items.map((appointment) => ({ appointment, history: historyOf(appointment.id) })) };
  };
