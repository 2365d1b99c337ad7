/** Removes old entries from the start of the audit chain, up to a checkpoint that identity signs. */
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { type ChainPlace, ONLY_ROW } from './audit-chain.ts';
import { BrokenLink, placeAfter, readEntries, startAfterRemoval, startOf } from './audit-verification.ts';
import type { IdentityTables } from './tables.ts';

const DAY_MILLIS = 86_400_000;

interface CheckpointSeals {
  readonly signCheckpoint: (place: ChainPlace) => Promise<string>;
  /** Returns the place of a signed checkpoint. It throws when identity did not sign it. */
  readonly readCheckpoint: (signed: string) => Promise<ChainPlace>;
}

export interface AuditRetentionOptions extends CheckpointSeals {
  readonly database: Database<IdentityTables>;
  readonly clock: Clock;
  readonly days: number;
}

/**
 * Returns the sweep. It removes entries only if the chain is whole up to the next entry. Otherwise the checkpoint would
 * hide a change. The last entry stays, whatever its age.
 */
export function createAuditRetention(options: AuditRetentionOptions): Sweep {
  const { database, clock, days, signCheckpoint } = options;

  /** Returns the last entry to remove. Entries are in the order of their arrival, so those before may be newer. */
  async function findCheckpoint(start: ChainPlace): Promise<ChainPlace> {
    const before = clock().epochMilliseconds - days * DAY_MILLIS;
    const entries = await readEntries(database, start.position);
    const [first] = entries;
    if (!first || first.row.at >= before) return start;
    let [removed, place] = [start, placeAfter(start, first)];
    for (const [index, entry] of entries.slice(1).entries()) {
      const last = entries[index];
      if (!last || last.row.at >= before) break;
      // The next entry has the hash of this one.
      const next = placeAfter(place, entry);
      removed = place;
      place = next;
    }
    return removed;
  }

  /** Returns `start` if another process removes entries simultaneously. */
  async function findCheckpointAlone(start: ChainPlace): Promise<ChainPlace> {
    try {
      return await findCheckpoint(start);
    } catch (error) {
      if (error instanceof BrokenLink && (await startAfterRemoval(database, start, error, options))) return start;
      throw error;
    }
  }

  return async () => {
    const start = await startOf(database, options);
    const place = await findCheckpointAlone(start);
    const { position } = place;
    if (position === start.position) return 0;
    const signed = await signCheckpoint(place);
    await database.write(async (tx) => {
      // Of two processes that sweep simultaneously, the later one removes nothing more.
      await tx.deleteFrom('audit_checkpoint').where('id', '=', ONLY_ROW).where('position', '<', position).execute();
      await tx.insertInto('audit_checkpoint').ignore().values({ id: ONLY_ROW, position, signed }).execute();
      await tx.deleteFrom('audit_patients').where('position', '<=', position).execute();
      await tx.deleteFrom('audit_entries').where('position', '<=', position).execute();
    });
    return position - start.position;
  };
}

/**
 * Signs the checkpoint again, wherever retention has moved it meanwhile. Returns its position, or undefined if there is
 * no checkpoint.
 * @throws BrokenLink when identity did not sign the present one
 */
export async function renewCheckpoint(
  database: Database<IdentityTables>,
  seals: CheckpointSeals,
): Promise<number | undefined> {
  for (;;) {
    const place = await startOf(database, seals);
    const { position } = place;
    if (position === 0) return undefined;
    const signed = await seals.signCheckpoint(place);
    const { numUpdatedRows } = await database.write((tx) =>
      tx.updateTable('audit_checkpoint').set({ signed }).where('position', '=', position).executeTakeFirstOrThrow(),
    );
    if (numUpdatedRows > 0n) return position;
  }
}
