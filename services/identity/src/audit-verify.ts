/**
 * `npm run audit:verify`: verifies the chain of the audit trail, and names the first broken link. It compares the heads
 * that were signed before: those of the data folder, or of a log of identity with `-- --heads FILE`. After a rotation of
 * the root key `--key` names the former public key, and `--renew-checkpoint` signs a checkpoint with the present one.
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
import { type Database, DatabaseUnusable, openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, InvalidConfiguration, systemClock } from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { HEADS_FILE, type KeptHeads, readHeads } from './audit-heads.ts';
import { environment, type IdentityConfig, readConfig } from './config.ts';
import { readPlace, signPlace } from './keys/audit-seals.ts';
import type { ChainPlace } from './store/audit-chain.ts';
import { type ChainReport, startOf, verifyAuditChain } from './store/audit-verification.ts';
import type { IdentityTables } from './store/tables.ts';

const NO_HEADS: KeptHeads = { heads: [], ofOtherKeys: 0 };

/** The keys of signatures: the present root key, whose private half may be elsewhere, and former ones. */
interface Keys {
  readonly signing: SigningKey | undefined;
  readonly verification: readonly VerificationKey[];
}

/** Returns the keys; none where there is no root key yet. */
async function keysOf(config: IdentityConfig, former: readonly string[]): Promise<Keys> {
  const { DAYBOOK_DATA, DAYBOOK_IDENTITY_KEY, DAYBOOK_IDENTITY_ROOT_KEY: text } = config;
  const rootKey = text === undefined ? await readRootKey(DAYBOOK_DATA) : await parseRootKey(text);
  const named = [...(rootKey || !DAYBOOK_IDENTITY_KEY ? [] : [DAYBOOK_IDENTITY_KEY]), ...former];
  const others = await Promise.all(named.map(parseIdentityKey));
  return { signing: rootKey?.signing, verification: [...(rootKey ? [rootKey.verification] : []), ...others] };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function headsOf(config: IdentityConfig, named: string | undefined, { verification }: Keys): Promise<KeptHeads> {
  const path = named ?? join(config.DAYBOOK_DATA, HEADS_FILE);
  return named !== undefined || (await exists(path)) ? readHeads(path, verification) : NO_HEADS;
}

function describe(report: ChainReport, { ofOtherKeys }: KeptHeads): string {
  if (!report.isWhole) return `The audit chain is broken at entry ${report.brokenAt}: ${report.reason}.`;
  const { entries, removed, signedHeads } = report;
  return [
    `The audit chain is whole: ${entries} entries.`,
    ...(removed > 0 ? [`Retention has removed ${removed} before them.`] : []),
    signedHeads > 0
      ? `It has ${signedHeads} signed heads.`
      : 'It was not compared with signed heads, because none are known.',
    ...(ofOtherKeys > 0 ? [`${ofOtherKeys} heads of another root key were not compared.`] : []),
  ].join(' ');
}

/** Signs the checkpoint of a whole chain with the present root key, which identity expects. */
async function renewCheckpoint(
  database: Database<IdentityTables>,
  start: ChainPlace,
  { signing }: Keys,
): Promise<void> {
  if (!signing) throw new UnusableSecret('The private root key is not here, so nothing can be signed.');
  const signed = await signPlace('checkpoint', start, systemClock(), signing);
  await database.write((tx) =>
    tx.updateTable('audit_checkpoint').set({ signed }).where('position', '=', start.position).execute(),
  );
}

interface Options {
  readonly heads?: string | undefined;
  readonly key?: string[] | undefined;
  readonly 'renew-checkpoint'?: boolean | undefined;
}

/** Returns the exit code. */
async function verify(config: IdentityConfig, options: Options): Promise<number> {
  const keys = await keysOf(config, options.key ?? []);
  const kept = await headsOf(config, options.heads, keys);
  const database = await openDatabase<IdentityTables>(databaseUrlOf(config, 'identity'), migrations);
  try {
    const readCheckpoint = (signed: string) => readPlace('checkpoint', signed, keys.verification);
    const report = await verifyAuditChain(database, { heads: kept.heads, readCheckpoint });
    process.stdout.write(`${describe(report, kept)}\n`);
    if (report.isWhole && options['renew-checkpoint']) {
      await renewCheckpoint(database, await startOf(database, { readCheckpoint }), keys);
    }
    return report.isWhole ? 0 : EXIT.data;
  } finally {
    await database.close();
  }
}

const hasCode = (error: unknown, pattern: RegExp): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && pattern.test(error.code);

/** The exit codes of failures whose message is enough. */
function exitCodeOf(error: unknown): number | undefined {
  if (hasCode(error, /^ERR_PARSE_ARGS_/)) return EXIT.usage;
  if (hasCode(error, /^(?:ENOENT|EACCES|EISDIR)$/)) return EXIT.inputOutput;
  if (error instanceof InvalidConfiguration || error instanceof UnusableSecret) return EXIT.configuration;
  if (error instanceof DatabaseUnusable) return EXIT.unavailable;
  return error instanceof InvalidJws ? EXIT.data : undefined;
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
  process.stderr.write(`${what}${error.message}\n`);
  process.exitCode = code;
}
