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
export class BrokenLink extends Error {
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

async function readSigned(signed: string, { readCheckpoint }: ChainExpectations): Promise<ChainPlace> {
  const unsigned = new BrokenLink(1, 'the entries up to the checkpoint are missing, and identity did not sign it');
  if (!readCheckpoint) throw unsigned;
  try {
    return await readCheckpoint(signed);
  } catch (error) {
    unsigned.cause = error;
    throw unsigned;
  }
}

/**
 * Returns where the chain starts: at its checkpoint, or before the first entry.
 * @throws BrokenLink when identity did not sign the checkpoint
 */
export async function startOf(
  database: Database<IdentityTables>,
  expectations: ChainExpectations,
): Promise<ChainPlace> {
  const row = await checkpointOf(database);
  if (!row) return NO_ENTRY;
  const place = await readSigned(row.signed, expectations);
  // Retention compares positions of rows, so a changed one would let it remove entries and keep the old checkpoint.
  if (place.position !== row.position) {
    throw new BrokenLink(place.position + 1, 'the checkpoint has another position than its signature');
  }
  return place;
}

/**
 * Returns a later start if retention has removed entries that a broken link joins, because that link only looks broken.
 * Retention verifies links before it removes them. Otherwise returns undefined.
 * @throws BrokenLink when identity did not sign the checkpoint
 */
export async function startAfterRemoval(
  database: Database<IdentityTables>,
  { position }: ChainPlace,
  { brokenAt }: BrokenLink,
  expectations: ChainExpectations,
): Promise<ChainPlace | undefined> {
  const start = await startOf(database, expectations);
  return start.position > position && start.position >= brokenAt - 1 ? start : undefined;
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

const headOf = (database: Database<IdentityTables>): Promise<ChainPlace | undefined> =>
  database.read((db) =>
    db.selectFrom('audit_head').select(['position', 'hash']).where('id', '=', ONLY_ROW).executeTakeFirst(),
  );

/** Compares places of the chain with what the database and the signed heads say of them. */
function createComparison(head: ChainPlace | undefined, heads: readonly SignedHead[], start: ChainPlace) {
  const signed = Map.groupBy(heads, ({ position }) => position);
  const positions = [...signed.keys()].filter((position) => position > start.position);
  return {
    /** A head that was signed again, as after a restart, counts once. */
    signedHeads: positions.length,
    /** @throws BrokenLink */
    check({ position, hash }: ChainPlace): void {
      // An entry after the head was appended meanwhile.
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
      // Retention keeps the last entry, so a checkpoint has one after it.
      const hasLost = position === start.position && position > 0;
      if (hasLost || (head && position < head.position)) throw new BrokenLink(position + 1, 'the entry is missing');
    },
  };
}

/**
 * Checks the head after the last entry was read. Each transaction that appends entries moves the head.
 * @throws BrokenLink when the head is before the last entry, because the next entry would fork the chain
 */
async function checkHead(database: Database<IdentityTables>, last: number): Promise<void> {
  const position = (await headOf(database))?.position ?? 0;
  if (position < last) throw new BrokenLink(position + 1, 'the head of the chain is before this entry');
}

async function walk(
  database: Database<IdentityTables>,
  start: ChainPlace,
  { heads = [] }: ChainExpectations,
): Promise<ChainReport> {
  const comparison = createComparison(await headOf(database), heads, start);
  comparison.check(start);
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
  await checkHead(database, place.position);
  const { position: removed } = start;
  return { isWhole: true, entries: place.position - removed, removed, signedHeads: comparison.signedHeads };
}

/** Walks the chain, and again from each later start. The checkpoint cannot move past the head, so this ends. */
async function walkFromCheckpoint(
  database: Database<IdentityTables>,
  expectations: ChainExpectations,
): Promise<ChainReport> {
  let start = await startOf(database, expectations);
  for (;;) {
    try {
      return await walk(database, start, expectations);
    } catch (error) {
      if (!(error instanceof BrokenLink)) throw error;
      const later = await startAfterRemoval(database, start, error, expectations);
      if (!later) throw error;
      start = later;
    }
  }
}

/**
 * Verifies the chain, and finds the first broken link. Entries that are appended meanwhile count as well. Retention may
 * remove entries meanwhile, and each read of a MySQL server sees what is committed by then.
 */
export async function verifyAuditChain(
  database: Database<IdentityTables>,
  expectations: ChainExpectations = {},
): Promise<ChainReport> {
  try {
    return await walkFromCheckpoint(database, expectations);
  } catch (error) {
    if (!(error instanceof BrokenLink)) throw error;
    return { isWhole: false, brokenAt: error.brokenAt, reason: error.message };
  }
}
