/** Verifies the chain of the audit trail, from its checkpoint to its head, and against heads that were signed. */
import type { Database } from '@daybook/database';
import { type ChainedEntry, type ChainPlace, hashOfEntry, NO_ENTRY, ONLY_ROW } from './audit-chain.ts';
import type { IdentityTables } from './tables.ts';

const ENTRIES_A_READ = 500;

/** A head that was signed, and when. */
export interface SignedHead extends ChainPlace {
  readonly at: string;
}

/** What a verification found. */
export type ChainReport =
  | { readonly isWhole: true; readonly entries: number; readonly removed: number; readonly signedHeads: number }
  | { readonly isWhole: false; readonly brokenAt: number; readonly reason: string };

export interface ChainExpectations {
  /** Heads that were kept outside of the database. Those before the checkpoint are not compared. */
  readonly heads?: readonly SignedHead[];
  /** Returns the place of a signed checkpoint. It throws when the checkpoint was not signed by identity. */
  readonly readCheckpoint?: (signed: string) => Promise<ChainPlace>;
}

/** A link of the chain that is broken. */
class BrokenLink extends Error {
  readonly brokenAt: number;

  constructor(brokenAt: number, reason: string) {
    super(reason);
    this.brokenAt = brokenAt;
  }
}

/** Returns the next entries after a position, with their patients. */
export async function readEntries(database: Database<IdentityTables>, after: number): Promise<ChainedEntry[]> {
  return database.read(async (db) => {
    const rows = await db
      .selectFrom('audit_entries')
      .selectAll()
      .where('position', '>', after)
      .orderBy('position')
      .limit(ENTRIES_A_READ)
      .execute();
    const last = rows.at(-1);
    if (!last) return [];
    const patients = await db
      .selectFrom('audit_patients')
      .selectAll()
      .where('position', '>', after)
      .where('position', '<=', last.position)
      .orderBy('position')
      .orderBy('patient_id')
      .execute();
    const byEntry = Map.groupBy(patients, ({ position }) => position);
    return rows.map((row) => ({
      row,
      patientIds: (byEntry.get(row.position) ?? []).map(({ patient_id }) => patient_id),
    }));
  });
}

const checkpointOf = (database: Database<IdentityTables>) =>
  database.read((db) => db.selectFrom('audit_checkpoint').selectAll().where('id', '=', ONLY_ROW).executeTakeFirst());

/**
 * Returns where the chain starts: at its checkpoint, or before the first entry.
 * @throws BrokenLink when identity did not sign the checkpoint
 */
export async function startOf(
  database: Database<IdentityTables>,
  { readCheckpoint }: ChainExpectations,
): Promise<ChainPlace> {
  const row = await checkpointOf(database);
  if (!row) return NO_ENTRY;
  const unsigned = new BrokenLink(1, 'the entries up to the checkpoint are missing, and identity did not sign it');
  if (!readCheckpoint) throw unsigned;
  try {
    return await readCheckpoint(row.signed);
  } catch (error) {
    unsigned.cause = error;
    throw unsigned;
  }
}

/**
 * Returns the place of the next entry.
 * @throws BrokenLink when it is not the next one
 */
export function placeAfter({ position: before, hash }: ChainPlace, entry: ChainedEntry): ChainPlace {
  const position = before + 1;
  if (entry.row.position !== position) throw new BrokenLink(position, 'the entry is missing');
  if (Buffer.compare(entry.row.previous_hash, hash) !== 0) {
    throw new BrokenLink(position, `the entry does not carry the hash of entry ${before}`);
  }
  return { position, hash: hashOfEntry(entry) };
}

/** Compares places of the chain with what the database and the signed heads say of them. */
function createComparison(head: ChainPlace | undefined, heads: readonly SignedHead[], start: ChainPlace) {
  const signed = Map.groupBy(
    heads.filter(({ position }) => position > start.position),
    ({ position }) => position,
  );
  return {
    signedHeads: [...signed.values()].flat().length,
    /** @throws BrokenLink */
    check({ position, hash }: ChainPlace): void {
      // An entry after the head was appended meanwhile, or by a program that does not know the head.
      if (position === head?.position && Buffer.compare(head.hash, hash) !== 0) {
        throw new BrokenLink(position, 'the head of the chain has another hash of this entry');
      }
      for (const one of signed.get(position) ?? []) {
        if (Buffer.compare(one.hash, hash) !== 0) {
          throw new BrokenLink(position, `the head that was signed at ${one.at} has another hash of this entry`);
        }
      }
    },
    /** @throws BrokenLink when the chain ends before a place that it once had */
    checkEnd(position: number): void {
      const cut = [...signed.values()].flat().find((one) => one.position > position);
      if (cut) throw new BrokenLink(position + 1, `the chain is cut: the head that was signed at ${cut.at} is later`);
      if (head && position < head.position) throw new BrokenLink(position + 1, 'the entry is missing');
    },
  };
}

async function walk(database: Database<IdentityTables>, expectations: ChainExpectations): Promise<ChainReport> {
  const head = await database.read((db) =>
    db.selectFrom('audit_head').select(['position', 'hash']).where('id', '=', ONLY_ROW).executeTakeFirst(),
  );
  const start = await startOf(database, expectations);
  const comparison = createComparison(head, expectations.heads ?? [], start);
  let place = start;
  for (;;) {
    const entries = await readEntries(database, place.position);
    for (const entry of entries) {
      place = placeAfter(place, entry);
      comparison.check(place);
    }
    if (entries.length < ENTRIES_A_READ) break;
  }
  comparison.checkEnd(place.position);
  const { position: removed } = start;
  return { isWhole: true, entries: place.position - removed, removed, signedHeads: comparison.signedHeads };
}

/** Retention removes at most 500 entries at a time, and sweeps seldom, so a verification seldom meets it twice. */
const MOST_WALKS = 5;

/**
 * Verifies the chain, and finds the first broken link. Entries that are appended meanwhile count as well. A link may only
 * look broken because retention has removed the entry meanwhile. The checkpoint has moved in that case, so the walk
 * begins again.
 */
export async function verifyAuditChain(
  database: Database<IdentityTables>,
  expectations: ChainExpectations = {},
): Promise<ChainReport> {
  for (let walks = 1; ; walks += 1) {
    const before = await checkpointOf(database);
    try {
      return await walk(database, expectations);
    } catch (error) {
      if (!(error instanceof BrokenLink)) throw error;
      const hasMoved = (await checkpointOf(database))?.position !== before?.position;
      if (!hasMoved || walks === MOST_WALKS) {
        return { isWhole: false, brokenAt: error.brokenAt, reason: error.message };
      }
    }
  }
}
