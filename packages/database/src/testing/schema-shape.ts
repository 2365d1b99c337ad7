/** Describes tables, keys and indexes independently of the kind of database. */

import { sql } from 'kysely';
import type { Database } from '../index.ts';

export interface TableShape {
  /** In order, such as `id binary!`; `!` marks NOT NULL. */
  readonly columns: readonly string[];
  /** `name: column, column`, with `unique` and `primary` before those; sorted. */
  readonly indexes: readonly string[];
  /** `column -> table.column`, sorted. */
  readonly references: readonly string[];
}

type Row = Readonly<Record<string, unknown>>;

const rowsOf = async (database: Database, text: string): Promise<Row[]> =>
  database.read(async (db) => (await sql.raw<Row>(text).execute(db)).rows);

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^(blob|binary|varbinary)/i, 'bytes'],
  [/^(integer|int|bigint)/i, 'number'],
  [/^(text|varchar|mediumtext|longtext)/i, 'text'],
];
const kindOf = (type: unknown): string => KINDS.find(([pattern]) => pattern.test(String(type)))?.[1] ?? String(type);

interface Described {
  readonly table: string;
  readonly line: string;
}

/** Groups lines by table. */
const byTable = (described: readonly Described[]) => Map.groupBy(described, ({ table }) => table);

const column = (table: unknown, name: unknown, type: unknown, optional: boolean): Described => ({
  table: String(table),
  line: `${name} ${kindOf(type)}${optional ? '' : '!'}`,
});

const SQLITE_TABLES = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'";

async function describeSqlite(database: Database) {
  const tables = (await rowsOf(database, SQLITE_TABLES)).map(({ name }) => String(name));
  const columns: Described[] = [];
  const indexes: Described[] = [];
  const references: Described[] = [];
  for (const table of tables) {
    const info = await rowsOf(database, `select * from pragma_table_info('${table}')`);
    // Key columns are never null, even where the schema allows it.
    for (const { name, type, notnull, pk } of info) columns.push(column(table, name, type, notnull !== 1 && pk === 0));
    const key = info.filter(({ pk }) => pk !== 0).toSorted((one, other) => Number(one.pk) - Number(other.pk));
    indexes.push({ table, line: `primary: ${key.map(({ name }) => name).join(', ')}` });
    const listed = await rowsOf(database, `select * from pragma_index_list('${table}') where origin <> 'pk'`);
    for (const { name, unique, origin } of listed) {
      const of = await rowsOf(database, `select name from pragma_index_info('${name}') order by seqno`);
      const label = unique === 1 || origin === 'u' ? 'unique' : String(name);
      indexes.push({ table, line: `${label}: ${of.map((row) => row.name).join(', ')}` });
    }
    for (const key of await rowsOf(database, `select * from pragma_foreign_key_list('${table}')`)) {
      references.push({ table, line: `${key.from} -> ${key.table}.${key.to}` });
    }
  }
  return { tables, columns, indexes, references };
}

async function describeMysql(database: Database) {
  const of = (what: string, order: string) =>
    rowsOf(database, `select ${what} and table_schema = database() order by ${order}`);
  const columns = await of(
    'table_name as t, column_name as c, column_type as type, is_nullable as n from information_schema.columns where true',
    'table_name, ordinal_position',
  );
  const parts = await of(
    'table_name as t, index_name as i, non_unique as n, column_name as c from information_schema.statistics where true',
    'table_name, index_name, seq_in_index',
  );
  const keys = await of(
    `table_name as t, column_name as c, referenced_table_name as rt, referenced_column_name as rc
     from information_schema.key_column_usage where referenced_table_name is not null`,
    'table_name, column_name',
  );
  const ofIndex = Map.groupBy(parts, ({ t, i }) => `${t} ${i}`);
  return {
    tables: [...new Set(columns.map(({ t }) => String(t)))],
    columns: columns.map(({ t, c, type, n }) => column(t, c, type, n === 'YES')),
    indexes: [...ofIndex.values()].map((rows): Described => {
      const [first] = rows;
      const label = first?.i === 'PRIMARY' ? 'primary' : Number(first?.n) === 0 ? 'unique' : String(first?.i);
      return { table: String(first?.t), line: `${label}: ${rows.map(({ c }) => c).join(', ')}` };
    }),
    references: keys.map(({ t, c, rt, rc }): Described => ({ table: String(t), line: `${c} -> ${rt}.${rc}` })),
  };
}

/** Returns the tables of a service by name, except the migration tables. */
export async function shapeOf(database: Database): Promise<Record<string, TableShape>> {
  const found = await (database.dialect.name === 'sqlite' ? describeSqlite(database) : describeMysql(database));
  const [columns, indexes, references] = [byTable(found.columns), byTable(found.indexes), byTable(found.references)];
  const linesOf = (lines: ReturnType<typeof byTable>, table: string) => lines.get(table)?.map(({ line }) => line) ?? [];
  const tables = found.tables.filter((table) => !table.startsWith('kysely')).toSorted();
  return Object.fromEntries(
    tables.map((table) => [
      table,
      {
        columns: linesOf(columns, table),
        indexes: linesOf(indexes, table).toSorted(),
        references: linesOf(references, table).toSorted(),
      },
    ]),
  );
}
