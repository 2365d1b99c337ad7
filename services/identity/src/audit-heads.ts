/**
 * Signs the head of the audit chain every hour, and keeps it outside of the database: in a file of the data folder, or in
 * the log where there is none. So a chain that was cut at its end, or made again, is noticed.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidJws, type SigningKey, type VerificationKey } from '@daybook/access';
import { createLoop, type Loop } from '@daybook/async';
import type { Database } from '@daybook/database';
import type { Clock, Logger } from '@daybook/service';
import { readPlace, signPlace } from './keys/audit-seals.ts';
import { ONLY_ROW } from './store/audit-chain.ts';
import type { SignedHead } from './store/audit-verification.ts';
import type { IdentityTables } from './store/tables.ts';

export const HEADS_FILE = 'audit-heads.log';
const EVERY_MILLIS = 60 * 60 * 1_000;
const OWNER_ONLY = 0o600;
const LINE_BREAK = 0x0a;

export interface AuditHeadsOptions {
  readonly database: Database<IdentityTables>;
  readonly key: SigningKey;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: heads go to the log. */
  readonly folder: string | undefined;
}

/** Whether the last line has no end, because a machine failed while it was written. */
async function isCut(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== LINE_BREAK;
}

/** Appends a line in one write, so lines of simultaneous processes do not mix. */
async function appendLine(path: string, line: string): Promise<void> {
  await using file = await open(path, 'a+', OWNER_ONLY);
  await file.writeFile(`${(await isCut(file)) ? '\n' : ''}${line}\n`);
  await file.sync();
}

/** Returns a function that signs the head, unless it was signed before. */
export function createHeadSigner({ database, key, clock, logger, folder }: AuditHeadsOptions): () => Promise<void> {
  let signedPosition = 0;
  return async () => {
    const head = await database.read((db) =>
      db.selectFrom('audit_head').select(['position', 'hash']).where('id', '=', ONLY_ROW).executeTakeFirst(),
    );
    if (!head || head.position <= signedPosition) return;
    const signed = await signPlace('head', head, clock(), key);
    if (folder === undefined) logger.info({ position: head.position, auditHead: signed }, 'audit head signed');
    else await appendLine(join(folder, HEADS_FILE), signed);
    signedPosition = head.position;
  };
}

/** Starts signing. `close` signs the last entries before the database may be changed by others. */
export function startAuditHeads(options: AuditHeadsOptions): { close(): Promise<void> } {
  const sign = createHeadSigner(options);
  const lock = options.database.advisoryLock('audit-heads');
  async function run(): Promise<boolean> {
    try {
      if (await lock.tryAcquire()) await sign();
      return true;
    } catch (error) {
      options.logger.warn({ err: error }, 'audit head not signed');
      return false;
    }
  }
  const loop: Loop = createLoop({ intervalMillis: EVERY_MILLIS, run });
  void loop.runNow();
  return {
    async close() {
      await loop.stop();
      await run();
      await lock.close();
    },
  };
}

/** Returns undefined for a line of a log that was cut. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Returns the head in a line of the file or of a log in JSON. Returns undefined for other records of a log. */
function headIn(line: string): string | undefined {
  if (line === '') return undefined;
  const parsed = line.startsWith('{') ? parseJson(line) : undefined;
  if (typeof parsed !== 'object' || parsed === null) return line;
  return 'auditHead' in parsed && typeof parsed.auditHead === 'string' ? parsed.auditHead : undefined;
}

/** The heads of a file. */
export interface KeptHeads {
  readonly heads: readonly SignedHead[];
  /** How many cannot be verified, because their key is not known. */
  readonly ofOtherKeys: number;
  /** How many lines are neither heads nor records of a log, such as half a line before a machine failed. */
  readonly unreadable: number;
}

const UNREADABLE: readonly InvalidJws['fault'][] = ['too-long', 'malformed', 'header'];

/**
 * Reads a head. Returns why it cannot be compared if it is of another key, or if the text is not a signature at all. An
 * attacker who replaces a line with such a text could also remove it.
 * @throws InvalidJws when it was changed
 */
async function readHead(
  text: string,
  keys: readonly VerificationKey[],
): Promise<SignedHead | 'ofOtherKeys' | 'unreadable'> {
  try {
    return await readPlace('head', text, keys);
  } catch (error) {
    if (!(error instanceof InvalidJws)) throw error;
    if (error.fault === 'unknown-key') return 'ofOtherKeys';
    if (UNREADABLE.includes(error.fault)) return 'unreadable';
    throw error;
  }
}

/**
 * Reads signed heads: the file of the data folder, or a log of identity in JSON.
 * @throws InvalidJws when a head was changed
 */
export async function readHeads(path: string, keys: readonly VerificationKey[]): Promise<KeptHeads> {
  const heads: SignedHead[] = [];
  const skipped = { ofOtherKeys: 0, unreadable: 0 };
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    const text = headIn(line.trim());
    if (text === undefined) continue;
    const head = await readHead(text, keys);
    if (typeof head === 'string') skipped[head] += 1;
    else heads.push(head);
  }
  return { heads, ...skipped };
}
