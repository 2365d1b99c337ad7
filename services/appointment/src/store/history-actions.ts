/** Reads the history of an appointment, newest first, page by page. */
import type { HistoryAction, HistoryEntry } from '@daybook/contracts';
import { type Database, idToBytes } from '@daybook/database';
import type { AppointmentTables } from './tables.ts';

/** Enough for the whole history of most visits. */
const ENTRIES_PER_READ = 100;

/** Yields the actions page by page, because the last steps are usually among the newest few. */
export async function* readActions(database: Database<AppointmentTables>, id: string): AsyncGenerator<HistoryAction> {
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = await database.read((db) =>
      db
        .selectFrom('appointment_history')
        .select(['version', 'entry'])
        .where('appointment_id', '=', idToBytes(id))
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
}
