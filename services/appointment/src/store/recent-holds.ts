/** Limits how often an account of a patient holds a time, because holds one after the other could empty a calendar. */
import { MAX_HOLDS_OF_PATIENT_PER_HOUR, MINUTE, Refusal } from '@daybook/contracts';
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { lowestFree } from './lowest-free.ts';
import type { AppointmentTables, Tx } from './tables.ts';

const HOUR = 60 * MINUTE;
const CALLERS_PER_BATCH = 100;

/**
 * Returns the statement that records a hold of a caller. Simultaneous requests may choose the same ordinal, of which the
 * primary key accepts one.
 * @throws Refusal `too-many-holds`
 */
export async function recentHoldStatement(tx: Tx, callerId: string, now: number) {
  await tx
    .deleteFrom('recent_holds')
    .where('caller_id', '=', callerId)
    .where('held_at', '<=', now - HOUR)
    .execute();
  const recent = await tx
    .selectFrom('recent_holds')
    .select(['ordinal', 'held_at'])
    .where('caller_id', '=', callerId)
    .execute();
  if (recent.length >= MAX_HOLDS_OF_PATIENT_PER_HOUR) {
    const earliest = Math.min(...recent.map(({ held_at }) => held_at));
    throw new Refusal('too-many-holds', `An account can hold ${MAX_HOLDS_OF_PATIENT_PER_HOUR} slots in an hour.`, {
      retryAfterSeconds: Math.max(1, Math.ceil((earliest + HOUR - now) / 1_000)),
    });
  }
  const ordinal = lowestFree(new Set(recent.map((row) => row.ordinal)));
  return tx.insertInto('recent_holds').values({ caller_id: callerId, ordinal, held_at: now });
}

/** Returns the sweep, which deletes what no limit counts any more, of some callers. */
export const createRecentHoldSweep =
  (database: Database<AppointmentTables>, clock: Clock): Sweep =>
  async () => {
    const before = clock().epochMilliseconds - HOUR;
    return database.write(async (tx) => {
      const due = await tx
        .selectFrom('recent_holds')
        .select('caller_id')
        .where('held_at', '<=', before)
        .orderBy('held_at')
        .limit(CALLERS_PER_BATCH)
        .execute();
      if (due.length === 0) return 0;
      const callers = [...new Set(due.map(({ caller_id }) => caller_id))];
      await tx.deleteFrom('recent_holds').where('caller_id', 'in', callers).where('held_at', '<=', before).execute();
      return due.length;
    });
  };
