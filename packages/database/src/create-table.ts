/** Creates a table with its indexes. Can be repeated, because an attempt may have ended between two statements. */
import type { CreateTableBuilder, Kysely } from 'kysely';
import type { DatabaseDialect } from './dialect.ts';

type Columns<Table extends string> = (table: CreateTableBuilder<Table, never>) => CreateTableBuilder<Table, string>;

/** `indexes` holds the columns of each index by its name. */
export async function createTable<Table extends string>(
  db: Kysely<never>,
  dialect: DatabaseDialect,
  name: Table,
  columns: Columns<Table>,
  indexes: Readonly<Record<string, readonly string[]>> = {},
): Promise<void> {
  let table = columns(db.schema.createTable(name).ifNotExists());
  if (dialect.inlinesIndexes) {
    for (const [index, of] of Object.entries(indexes)) table = table.addIndex(index, [...of]);
  }
  await table.execute();
  if (dialect.inlinesIndexes) return;
  for (const [index, of] of Object.entries(indexes)) {
    await db.schema
      .createIndex(index)
      .ifNotExists()
      .on(name)
      .columns([...of])
      .execute();
  }
}
