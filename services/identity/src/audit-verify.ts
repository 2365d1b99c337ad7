/**
 * `npm run audit:verify`: verifies the chain of the audit trail, and names the first broken link. It compares the heads
 * that were signed before: those of the data folder, or of a log of identity with `-- --heads FILE`.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  InvalidJws,
  parseIdentityKey,
  parseRootKey,
  readRootKey,
  UnusableSecret,
  type VerificationKey,
} from '@daybook/access';
import { DatabaseUnusable, openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, InvalidConfiguration } from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { HEADS_FILE, type KeptHeads, readHeads } from './audit-heads.ts';
import { environment, type IdentityConfig, readConfig } from './config.ts';
import { readPlace } from './keys/audit-seals.ts';
import { type ChainReport, verifyAuditChain } from './store/audit-verification.ts';
import type { IdentityTables } from './store/tables.ts';

const NO_HEADS: KeptHeads = { heads: [], ofOtherKeys: 0 };

/** Returns the public half of the root key; undefined where there is none yet. */
async function keyOf(config: IdentityConfig): Promise<VerificationKey | undefined> {
  const { DAYBOOK_DATA, DAYBOOK_IDENTITY_KEY, DAYBOOK_IDENTITY_ROOT_KEY } = config;
  if (DAYBOOK_IDENTITY_ROOT_KEY !== undefined) return (await parseRootKey(DAYBOOK_IDENTITY_ROOT_KEY)).verification;
  if (DAYBOOK_IDENTITY_KEY !== undefined) return parseIdentityKey(DAYBOOK_IDENTITY_KEY);
  return (await readRootKey(DAYBOOK_DATA))?.verification;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function headsOf(config: IdentityConfig, named: string | undefined, key: VerificationKey | undefined) {
  const path = named ?? join(config.DAYBOOK_DATA, HEADS_FILE);
  return key && (named !== undefined || (await exists(path))) ? readHeads(path, key) : NO_HEADS;
}

function describe(report: ChainReport, { ofOtherKeys }: KeptHeads): string {
  if (!report.isWhole) return `The audit chain is broken at entry ${report.brokenAt}: ${report.reason}.`;
  const { entries, removed, signedHeads } = report;
  return [
    `The audit chain is whole: ${entries} entries.`,
    ...(removed > 0 ? [`Retention has removed ${removed} before them.`] : []),
    signedHeads > 0 ? `It has ${signedHeads} signed heads.` : 'It was not compared with signed heads, because none are known.',
    ...(ofOtherKeys > 0 ? [`${ofOtherKeys} heads of another root key were not compared.`] : []),
  ].join(' ');
}

/** Returns the exit code. */
async function verify(config: IdentityConfig, namedHeads: string | undefined): Promise<number> {
  const key = await keyOf(config);
  const kept = await headsOf(config, namedHeads, key);
  const database = await openDatabase<IdentityTables>(databaseUrlOf(config, 'identity'), migrations);
  try {
    const readCheckpoint = key && ((signed: string) => readPlace('checkpoint', signed, key));
    const report = await verifyAuditChain(database, { heads: kept.heads, ...(readCheckpoint && { readCheckpoint }) });
    process.stdout.write(`${describe(report, kept)}\n`);
    return report.isWhole ? 0 : EXIT.data;
  } finally {
    await database.close();
  }
}

/** The exit codes of failures whose message is enough. */
function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof InvalidConfiguration || error instanceof UnusableSecret) return EXIT.configuration;
  if (error instanceof DatabaseUnusable) return EXIT.unavailable;
  return error instanceof InvalidJws ? EXIT.data : undefined;
}

try {
  const { values } = parseArgs({ options: { heads: { type: 'string' } } });
  process.exitCode = await verify(readConfig(environment), values.heads);
} catch (error) {
  const code = exitCodeOf(error);
  if (code === undefined || !(error instanceof Error)) throw error;
  const what = error instanceof InvalidJws ? 'A signed head was changed. ' : '';
  process.stderr.write(`${what}${error.message}\n`);
  process.exitCode = code;
}
