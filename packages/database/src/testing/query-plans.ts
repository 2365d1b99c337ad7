/** How the database at hand finds what a store asks of it: read from its plans. */

import { databaseKind, freshDatabase } from '@daybook/testing/databases';
import { type CompiledQuery, type Kysely, type KyselyPlugin, type RootOperationNode, sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { asSharedDatabase, type Database, type Migrations, openDatabase, type SharedTables } from '../index.ts';

type Db = Kysely<SharedTables>;
type Step = Readonly<Record<string, unknown>>;

/** In rows: newer servers draw trees unless they are told. */
const EXPLAIN = { sqlite: 'explain query plan', mysql: 'explain format = traditional', mariadb: 'explain' };

async function planOf(db: Db, { sql: text, parameters }: CompiledQuery): Promise<Step[]> {
  const { rows } = await db.executeQuery<Step>({
    ...sql`select 1`.compile(db),
    sql: `${EXPLAIN[databaseKind]} ${text}`,
    parameters,
  });
  return rows;
}

/** No table is asked; or what was there when it was asked is gone, as a unique key says. */
const NOT_READ = /No tables used|no matching row in const table|Impossible WHERE noticed after reading const tables/;
/** What was found by other steps, put together. */
const isOwn = (table: unknown): boolean => String(table).startsWith('<');

/**
 * What a plan does that takes longer the more rows there are. Only who asks for nothing special, in the order of a key, and for a
 * few, reads along a whole index.
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

/** Rows that are put in are found by nobody. */
const finds = (node: RootOperationNode): boolean => node.kind !== 'InsertQueryNode';

export interface ObservedDatabase<Tables> {
  readonly database: Database<Tables>;
  /** The same, which notes what it is asked. */
  readonly observed: Database<Tables>;
  /** Counts the rows, as servers do by themselves now and then. */
  analyze(): Promise<void>;
  /** How many questions were noted. */
  count(): number;
  /** What the database does to answer them that takes longer the more rows there are, except steps that match `allowed`. */
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

/** A database of its own for the test at hand. */
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
