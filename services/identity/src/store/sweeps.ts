/** Deletes rows whose time is over, a few hundred at a time. */
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import type { IdentityTables } from './tables.ts';

const ROWS_A_STEP = 500;
const ROWS_A_STATEMENT = 100;

export interface Expiring {
  readonly table: keyof IdentityTables;
  readonly key: string;
  readonly end: string;
}

export const EXPIRING: readonly Expiring[] = [
  { table: 'sessions', key: 'id_hash', end: 'idle_ends_at' },
  { table: 'pending_sign_ins', key: 'id_hash', end: 'ends_at' },
  { table: 'one_time_links', key: 'token_hash', end: 'ends_at' },
  { table: 'link_codes', key: 'code_hash', end: 'ends_at' },
  { table: 'used_challenges', key: 'challenge_hash', end: 'ends_at' },
  { table: 'throttles', key: 'key_hash', end: 'ends_at' },
  { table: 'oidc_artifacts', key: 'id_hash', end: 'ends_at' },
];

function sweepOf(database: Database<IdentityTables>, clock: Clock, { table, key, end }: Expiring): Sweep {
  return async () => {
    const [from, id, ends] = [sql.table(table), sql.ref(key), sql.ref(end)];
    const now = clock().epochMilliseconds;
    const { rows } = await database.read((db) =>
      sql<{ id: Uint8Array }>`select ${id} as id from ${from} where ${ends} <= ${now} limit ${ROWS_A_STEP}`.execute(db),
    );
    for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
      const ids = rows.slice(start, start + ROWS_A_STATEMENT).map((row) => row.id);
      // Checks the end again, because a request may have renewed a row since.
      const remove = sql`delete from ${from} where ${ends} <= ${now} and ${id} in (${sql.join(ids)})`;
      await database.write((tx) => remove.execute(tx));
    }
    return rows.length;
  };
}

export const createSweeps = (database: Database<IdentityTables>, clock: Clock): Sweep[] =>
  EXPIRING.map((expiring) => sweepOf(database, clock, expiring));
