/**
 * `npm run audit:verify`: verifies the chain of the audit trail, and names the first broken link. It compares the heads
 * that were signed before: those of the data folder, or of a log of identity with `-- --heads FILE`. After a rotation of
 * the root key `--key` has the former public key, and `--renew-checkpoint` signs a checkpoint with the present one.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  InvalidJws,
  parseIdentityKey,
  parseRootKey,
  readRootKey,
  type SigningKey,
  UnusableSecret,
  type VerificationKey,
} from '@daybook/access';
import { type Database, DatabaseUnavailable, DatabaseUnusable, openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, InvalidConfiguration, systemClock } from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { HEADS_FILE, type KeptHeads, readHeads } from './audit-heads.ts';
import { environment, type IdentityConfig, readConfig } from './config.ts';
import { readPlace, signPlace } from './keys/audit-seals.ts';
import type { ChainPlace } from './store/audit-chain.ts';
import { renewCheckpoint } from './store/audit-retention.ts';
import { BrokenLink, type ChainReport, verifyAuditChain } from './store/audit-verification.ts';
import type { IdentityTables } from './store/tables.ts';

const NO_HEADS: KeptHeads = { heads: [], ofOtherKeys: 0, unreadable: 0 };
const SQLITE_FILE = /^sqlite:(?!:memory:)(.+)$/;

/** The keys of signatures: the present root key, whose private half may be elsewhere, and former ones. */
interface Keys {
  readonly signing: SigningKey | undefined;
  readonly verification: readonly VerificationKey[];
}

/** Returns the keys; none where there is no root key yet. */
async function keysOf(config: IdentityConfig, former: readonly string[]): Promise<Keys> {
  const { DAYBOOK_DATA, DAYBOOK_IDENTITY_KEY, DAYBOOK_IDENTITY_ROOT_KEY: text } = config;
  const rootKey = text === undefined ? await readRootKey(DAYBOOK_DATA) : await parseRootKey(text);
  const present = rootKey || !DAYBOOK_IDENTITY_KEY ? [] : [await parseIdentityKey(DAYBOOK_IDENTITY_KEY)];
  const others = await Promise.all(former.map((one) => parseIdentityKey(one, '--key')));
  return { signing: rootKey?.signing, verification: [...(rootKey ? [rootKey.verification] : present), ...others] };
}

const hasCode = (error: unknown, pattern: RegExp): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && pattern.test(error.code);

/** Returns the heads of a file. The file of the data folder may be missing, and a named one may not. */
async function headsOf(config: IdentityConfig, named: string | undefined, { verification }: Keys): Promise<KeptHeads> {
  try {
    return await readHeads(named ?? join(config.DAYBOOK_DATA, HEADS_FILE), verification);
  } catch (error) {
    if (named === undefined && hasCode(error, /^ENOENT$/)) return NO_HEADS;
    throw error;
  }
}

/**
 * Opens the database of identity, which must exist. A new and empty one would have a whole chain.
 * @throws InvalidConfiguration when its file does not exist
 */
async function openIdentity(config: IdentityConfig): Promise<Database<IdentityTables>> {
  const url = databaseUrlOf(config, 'identity');
  const path = SQLITE_FILE.exec(url)?.[1];
  try {
    if (path !== undefined) await access(path);
  } catch (error) {
    if (!hasCode(error, /^ENOENT$/)) throw error;
    throw new InvalidConfiguration([`DAYBOOK_DATA must be the data folder of identity, because there is no ${path}`]);
  }
  return openDatabase<IdentityTables>(url, migrations);
}

function describe(report: ChainReport, { ofOtherKeys, unreadable }: KeptHeads): string {
  if (!report.isWhole) return `The audit chain is broken at entry ${report.brokenAt}: ${report.reason}.`;
  const { entries, removed, signedHeads } = report;
  return [
    `The audit chain is whole: ${entries} entries.`,
    ...(removed > 0 ? [`Retention has removed ${removed} before them.`] : []),
    signedHeads > 0
      ? `It has ${signedHeads} signed heads.`
      : 'It was not compared with signed heads, because none are known.',
    ...(ofOtherKeys > 0 ? [`${ofOtherKeys} heads of another root key were not compared.`] : []),
    ...(unreadable > 0 ? [`${unreadable} lines of the file are not signed heads.`] : []),
  ].join(' ');
}

/** @throws UnusableSecret when the private root key is elsewhere */
function requireSigning({ signing }: Keys): SigningKey {
  if (signing) return signing;
  const advice = 'Set DAYBOOK_DATA to the folder that has it, or set DAYBOOK_IDENTITY_ROOT_KEY.';
  throw new UnusableSecret(`--renew-checkpoint needs the private root key. ${advice}`);
}

interface Options {
  readonly heads?: string | undefined;
  readonly key?: string[] | undefined;
  readonly 'renew-checkpoint'?: boolean | undefined;
}

/** Verifies the chain, and then signs its checkpoint if `signing` is the key for it. Returns the exit code. */
async function verifyDatabase(
  database: Database<IdentityTables>,
  kept: KeptHeads,
  { verification, signing }: Keys,
): Promise<number> {
  const readCheckpoint = (signed: string) => readPlace('checkpoint', signed, verification);
  const report = await verifyAuditChain(database, { heads: kept.heads, readCheckpoint });
  process.stdout.write(`${describe(report, kept)}\n`);
  if (!report.isWhole) return EXIT.data;
  if (!signing) return 0;
  const signCheckpoint = (place: ChainPlace) => signPlace('checkpoint', place, systemClock(), signing);
  const position = await renewCheckpoint(database, { readCheckpoint, signCheckpoint });
  process.stdout.write(
    position === undefined
      ? 'There is no checkpoint to sign.\n'
      : `The checkpoint at entry ${position} is signed with the present root key.\n`,
  );
  return 0;
}

/** Returns the exit code. */
async function verify(config: IdentityConfig, options: Options): Promise<number> {
  const keys = await keysOf(config, options.key ?? []);
  const signing = options['renew-checkpoint'] ? requireSigning(keys) : undefined;
  const kept = await headsOf(config, options.heads, keys);
  const database = await openIdentity(config);
  try {
    return await verifyDatabase(database, kept, { ...keys, signing });
  } finally {
    await database.close();
  }
}

/** The exit codes of failures whose message is enough. */
function exitCodeOf(error: unknown): number | undefined {
  if (hasCode(error, /^ERR_PARSE_ARGS_/)) return EXIT.usage;
  if (hasCode(error, /^E[A-Z]+$/)) return EXIT.inputOutput;
  if (error instanceof InvalidConfiguration || error instanceof UnusableSecret) return EXIT.configuration;
  if (error instanceof DatabaseUnusable || error instanceof DatabaseUnavailable) return EXIT.unavailable;
  return error instanceof InvalidJws || error instanceof BrokenLink ? EXIT.data : undefined;
}

try {
  const { values } = parseArgs({
    options: {
      heads: { type: 'string' },
      key: { type: 'string', multiple: true },
      'renew-checkpoint': { type: 'boolean' },
    },
  });
  process.exitCode = await verify(readConfig(environment), values);
} catch (error) {
  const code = exitCodeOf(error);
  if (code === undefined || !(error instanceof Error)) throw error;
  const what = error instanceof InvalidJws ? 'A signed head was changed. ' : '';
  const why = error instanceof DatabaseUnavailable && error.reason !== undefined ? ` (${error.reason})` : '';
  process.stderr.write(`${what}${error.message}${why}\n`);
  process.exitCode = code;
}
