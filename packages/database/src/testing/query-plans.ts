/** Reads from query plans how the tested database finds what a store queries. */

import { databaseKind, freshDatabase } from '@daybook/testing/databases';
import { type CompiledQuery, type Kysely, type KyselyPlugin, type RootOperationNode, sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { asSharedDatabase, type Database, type Migrations, openDatabase, type SharedTables } from '../index.ts';

type Db = Kysely<SharedTables>;
type Step = Readonly<Record<string, unknown>>;

/** In rows, because newer servers draw trees by default. */
const EXPLAIN = { sqlite: 'explain query plan', mysql: 'explain format = traditional', mariadb: 'explain' };

async function planOf(db: Db, { sql: text, parameters }: CompiledQuery): Promise<Step[]> {
  const { rows } = await db.executeQuery<Step>({
    ...sql`select 1`.compile(db),
    sql: `${EXPLAIN[databaseKind]} ${text}`,
    parameters,
  });
  return rows;
}

/** A plan without a table, or with a row that a unique key proves to be missing. */
const NOT_READ = /No tables used|no matching row in const table|Impossible WHERE noticed after reading const tables/;
/** Returns whether a table is an intermediate result of other steps. */
const isOwn = (table: unknown): boolean => String(table).startsWith('<');

/**
 * Returns the steps whose time grows with the number of rows. Only a query without conditions for the first rows in key
 * order may scan a whole index.
 */
function faultsOf(text: string, steps: readonly Step[], allowed: RegExp): string[] {
  const readsFirstRows = !text.includes(' where ') && text.includes(' limit ');
  if (databaseKind === 'sqlite') {
    const lines = steps.map(({ detail }) => String(detail));
    const isSlow = readsFirstRows ? /TEMP B-TREE FOR ORDER/ : /^SCAN (?!CONSTANT ROW)|TEMP B-TREE FOR ORDER/;
    return lines.filter((line) => isSlow.test(line) && !allowed.test(line));
  }
  const slow = readsFirstRows ? ['ALL'] : ['ALL', 'index'];
  return steps
    .filter(({ table, type, key, Extra }) => {
      if (isOwn(table) || NOT_READ.test(String(Extra))) return false;
      return slow.includes(String(type)) || typeof key !== 'string' || String(Extra).includes('filesort');
    })
    .map((step) => JSON.stringify(step))
    .filter((step) => !allowed.test(step));
}

/** Returns whether a statement searches for rows; an INSERT does not. */
const finds = (node: RootOperationNode): boolean => node.kind !== 'InsertQueryNode';

export interface ObservedDatabase<Tables> {
  readonly database: Database<Tables>;
  /** The database, with its statements recorded. */
  readonly observed: Database<Tables>;
  /** Counts the rows, as servers do automatically from time to time. */
  analyze(): Promise<void>;
  /** Returns how many statements were recorded. */
  count(): number;
  /**
   * Returns the steps of these statements whose time grows with the number of rows, except steps that match `allowed`.
   */
  faults(allowed?: RegExp): Promise<string[]>;
}

async function analyze(database: Database): Promise<void> {
  if (databaseKind === 'sqlite') return;
  const tables = sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = database()`;
  await database.read(async (db) => {
    const { rows } = await tables.execute(db);
    await sql`analyze table ${sql.join(rows.map(({ name }) => sql.table(name)))}`.execute(db);
  });
}

/** Opens a separate database for the current test. */
export async function openObserved<Tables>(migrations: Migrations): Promise<ObservedDatabase<Tables>> {
  const database = await openDatabase<Tables>(await freshDatabase(), migrations);
  onTestFinished(() => database.close());
  const noted: RootOperationNode[] = [];
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      noted.push(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const observed: Database<Tables> = {
    dialect: database.dialect,
    read: (query) => database.read((db) => query(db.withPlugin(plugin))),
    write: (work) => database.write((transaction) => work(transaction.withPlugin(plugin))),
    onEvents: (listener) => database.onEvents(listener),
    advisoryLock: (name) => database.advisoryLock(name),
    purgeDeleted: () => database.purgeDeleted(),
    check: () => database.check(),
    close: () => database.close(),
  };
  return {
    database,
    observed,
    analyze: () => analyze(asSharedDatabase(database)),
    count: () => noted.filter(finds).length,
    faults: (allowed = /^$/) =>
      asSharedDatabase(database).read(async (db) => {
        const faults = new Set<string>();
        for (const node of noted.filter(finds)) {
          const query = db.getExecutor().compileQuery(node, { queryId: 'plan' });
          for (const fault of faultsOf(query.sql, await planOf(db, query), allowed))
            faults.add(`${query.sql}: ${fault}`);
        }
        return [...faults];
      }),
  };
}
