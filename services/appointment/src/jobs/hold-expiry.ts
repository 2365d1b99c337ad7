/** Deletes expired holds with their reservations. Until then both are ignored by every read. */
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { AppointmentTables } from '../store/tables.ts';

const HOLDS_PER_BATCH = 100;

/**
 * Returns the sweep, which deletes a batch of expired holds.
 * Holds that another transaction has locked to use or delete are skipped.
 * A hold is always locked before its reservations.
 */
export const createHoldSweep =
  (database: Database<AppointmentTables>, clock: Clock): Sweep =>
  async () => {
    const now = clock().epochMilliseconds;
    return database.write(async (tx) => {
      const due = await tx
        .selectFrom('holds')
        .select('id')
        .where('expires_at', '<=', now)
        .orderBy('expires_at')
        .limit(HOLDS_PER_BATCH)
        .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate().skipLocked())
        .execute();
      if (due.length === 0) return 0;
      const ids = due.map(({ id }) => id);
      await tx.deleteFrom('reservations').where('holder_id', 'in', ids).execute();
      await tx.deleteFrom('holds').where('id', 'in', ids).execute();
      return due.length;
    });
  };
