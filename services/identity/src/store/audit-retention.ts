/** Removes old entries from the start of the audit chain, up to a checkpoint that identity signs. */
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { type ChainPlace, hashOfEntry, ONLY_ROW } from './audit-chain.ts';
import { readEntries } from './audit-verification.ts';
import type { IdentityTables } from './tables.ts';

const DAY_MILLIS = 86_400_000;

export interface AuditRetentionOptions {
  readonly database: Database<IdentityTables>;
  readonly clock: Clock;
  readonly days: number;
  readonly signCheckpoint: (place: ChainPlace) => Promise<string>;
}

/**
 * Returns the sweep. It removes entries only if the next one has their hash, so a change of them stays visible. The last
 * entry stays, whatever its age.
 */
export function createAuditRetention({ database, clock, days, signCheckpoint }: AuditRetentionOptions): Sweep {
  /** Returns the last entry to remove. Entries are in the order of their arrival, so those before may be newer. */
  async function findCheckpoint(after: number): Promise<ChainPlace | undefined> {
    const before = clock().epochMilliseconds - days * DAY_MILLIS;
    const entries = await readEntries(database, after);
    let place: ChainPlace | undefined;
    for (const [index, entry] of entries.entries()) {
      const next = entries[index + 1];
      if (!next || entry.row.at >= before) break;
      const { position } = entry.row;
      const hash = hashOfEntry(entry);
      if (Buffer.compare(next.row.previous_hash, hash) !== 0) {
        throw new Error(`The audit chain is broken at entry ${position}, so no old entries are removed.`);
      }
      place = { position, hash };
    }
    return place;
  }

  return async () => {
    const known = await database.read((db) =>
      db.selectFrom('audit_checkpoint').select('position').where('id', '=', ONLY_ROW).executeTakeFirst(),
    );
    const after = known?.position ?? 0;
    const place = await findCheckpoint(after);
    if (!place) return 0;
    const { position } = place;
    const signed = await signCheckpoint(place);
    await database.write(async (tx) => {
      // Of two processes that sweep simultaneously, the later one removes nothing more.
      await tx.deleteFrom('audit_checkpoint').where('id', '=', ONLY_ROW).where('position', '<', position).execute();
      await tx.insertInto('audit_checkpoint').ignore().values({ id: ONLY_ROW, position, signed }).execute();
      await tx.deleteFrom('audit_patients').where('position', '<=', position).execute();
      await tx.deleteFrom('audit_entries').where('position', '<=', position).execute();
    });
    return position - after;
  };
}
