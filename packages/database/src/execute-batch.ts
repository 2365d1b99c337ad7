/** Runs several statements of a transaction in one round trip, where the database supports it. */
import {
  type Compilable,
  CompiledQuery,
  type DeleteResult,
  type InsertResult,
  type Transaction,
  type UpdateResult,
} from 'kysely';
import type { DatabaseDialect } from './dialect.ts';

/** The rows of a statement, or nothing for a write. */
type RowsOf<Statement> =
  Statement extends Compilable<infer Row>
    ? Row extends InsertResult | UpdateResult | DeleteResult
      ? never[]
      : Row[]
    : never;
type RowsOfEach<Statements> = { -readonly [Index in keyof Statements]: RowsOf<Statements[Index]> };

/** A statement that is not executed yet. */
export type Statement = Compilable<unknown>;

const joinQueries = (queries: readonly CompiledQuery[]): CompiledQuery =>
  CompiledQuery.raw(
    queries.map(({ sql }) => sql).join(';\n'),
    queries.flatMap(({ parameters }) => parameters),
  );

/**
 * Runs statements in order and returns the rows of each. Stops at the first failure; the error does not identify the
 * statement.
 */
export async function executeBatch<Tables, const Statements extends readonly Compilable<unknown>[]>(
  transaction: Transaction<Tables>,
  { supportsMultiStatement }: DatabaseDialect,
  statements: Statements,
): Promise<RowsOfEach<Statements>> {
  const queries = statements.map((statement) => statement.compile());
  const rows: unknown[][] = [];
  if (supportsMultiStatement && queries.length > 1) {
    const batch = await transaction.executeQuery(joinQueries(queries));
    for (const result of batch.rows) rows.push(Array.isArray(result) ? result : []);
  } else {
    for (const query of queries) rows.push((await transaction.executeQuery(query)).rows);
  }
  // The row types are Kysely's claim about its queries, as for every query.
  return rows as RowsOfEach<Statements>;
}
