/**
 * Signs the head of the audit chain every hour, and keeps it outside of the database: in a file of the data folder, or in
 * the log where there is none. So a chain that was cut at its end, or made again, is noticed.
 */
import { open, readFile } from 'node:fs/promises';
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

export interface AuditHeadsOptions {
  readonly database: Database<IdentityTables>;
  readonly key: SigningKey;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: heads go to the log. */
  readonly folder: string | undefined;
}

async function appendLine(path: string, line: string): Promise<void> {
  await using file = await open(path, 'a', OWNER_ONLY);
  await file.writeFile(`${line}\n`);
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

/** A line of the log of a deployment, or of the file. */
function headIn(line: string): string | undefined {
  if (!line.startsWith('{')) return line;
  const parsed = parseJson(line);
  const isHead = typeof parsed === 'object' && parsed !== null && 'auditHead' in parsed;
  return isHead && typeof parsed.auditHead === 'string' ? parsed.auditHead : undefined;
}

/** The heads of a file. Those of another key cannot be verified. */
export interface KeptHeads {
  readonly heads: readonly SignedHead[];
  readonly ofOtherKeys: number;
}

/**
 * Reads signed heads: the file of the data folder, or a log of identity in JSON.
 * @throws InvalidJws when a line was changed
 */
export async function readHeads(path: string, keys: readonly VerificationKey[]): Promise<KeptHeads> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
  // A machine that failed may have written half of the last line.
  lines.pop();
  const heads: SignedHead[] = [];
  let ofOtherKeys = 0;
  for (const line of lines) {
    const signed = line === '' ? undefined : headIn(line);
    if (signed === undefined) continue;
    try {
      heads.push(await readPlace('head', signed, keys));
    } catch (error) {
      if (!(error instanceof InvalidJws) || error.fault !== 'unknown-key') throw error;
      ofOtherKeys += 1;
    }
  }
  return { heads, ofOtherKeys };
}
