/**
 * A database records a migration by name and a digest of its statements: `0001-patients.3f2a9c81d0b4`. So it detects
 * tables that an edited migration created.
 */
import { createHash } from 'node:crypto';
import { type CompiledQuery, type DatabaseConnection, Kysely, type QueryResult } from 'kysely';
import type { Migration } from 'kysely/migration';

const DIGEST_CHARACTERS = 12;

/** Records statements instead of executing them; no statement returns a row. */
class RecordingConnection implements DatabaseConnection {
  readonly statements: string[] = [];

  async executeQuery<Row>({ sql }: CompiledQuery): Promise<QueryResult<Row>> {
    this.statements.push(sql.replace(/\s+/g, ' ').trim());
    return { rows: [] };
  }

  // biome-ignore lint/correctness/useYield: there are no rows
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('A migration reads no rows in pieces.');
  }
}

/** Returns a database of the same kind as `db` that executes nothing. */
function recordingDatabase<Tables>(db: Kysely<Tables>, connection: RecordingConnection): Kysely<Tables> {
  const executor = db.getExecutor();
  const nothing = async () => undefined;
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => executor.adapter,
      createDriver: () => ({
        init: nothing,
        acquireConnection: async () => connection,
        beginTransaction: nothing,
        commitTransaction: nothing,
        rollbackTransaction: nothing,
        releaseConnection: nothing,
        destroy: nothing,
      }),
      createIntrospector: () => db.introspection,
      createQueryCompiler: () => ({ compileQuery: (node, queryId) => executor.compileQuery(node, queryId) }),
    },
  });
}

async function digestOf<Tables>(db: Kysely<Tables>, migration: Migration): Promise<string> {
  const connection = new RecordingConnection();
  await migration.up(recordingDatabase(db, connection));
  return createHash('sha256').update(connection.statements.join(';\n')).digest('hex').slice(0, DIGEST_CHARACTERS);
}

/** Returns the migrations by their names with digests. */
export async function withDigests<Tables>(
  db: Kysely<Tables>,
  migrations: Record<string, Migration>,
): Promise<Record<string, Migration>> {
  const named: Record<string, Migration> = {};
  for (const [name, migration] of Object.entries(migrations)) {
    named[`${name}.${await digestOf(db, migration)}`] = migration;
  }
  return named;
}
