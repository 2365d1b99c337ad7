/**
 * Search by terms: a table next to a service's resources, and the query for resources that meet every condition. A
 * condition is a list of prefixes; one term of the resource must have one of them.
 */
import { afterPrefix, type SearchCondition } from '@daybook/contracts';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { createTable } from './create-table.ts';
import type { DatabaseDialect } from './dialect.ts';

export interface SearchTables {
  /** Maps folded terms to the resources that they find. */
  search_terms: { term: string; resource_id: Uint8Array };
}

/** In characters. */
const MAX_TERM = 255;

/** Creates the search table in a service's first migration. `resources` is the table that is searched. */
export async function createSearchTable(db: Kysely<never>, dialect: DatabaseDialect, resources: string): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'search_terms',
    (table) =>
      clustered(
        table
          .addColumn('term', types.text(MAX_TERM), (column) => column.notNull())
          .addColumn('resource_id', types.id, (column) => column.notNull())
          .addPrimaryKeyConstraint('search_terms_pk', ['term', 'resource_id'])
          .addForeignKeyConstraint('search_terms_resource', ['resource_id'], resources, ['id']),
      ),
    { search_terms_of: ['resource_id', 'term'] },
  );
}

/** Replaces the terms of a resource. */
export async function writeSearchTerms(
  transaction: Transaction<SearchTables>,
  resource_id: Uint8Array,
  terms: readonly string[],
): Promise<void> {
  await transaction.deleteFrom('search_terms').where('resource_id', '=', resource_id).execute();
  const truncated = new Set(terms.map((term) => [...term].slice(0, MAX_TERM).join('')));
  if (truncated.size === 0) return;
  const rows = [...truncated].map((term) => ({ term, resource_id }));
  await transaction.insertInto('search_terms').values(rows).execute();
}

/**
 * A term that this many resources have is common. Resources with a rarer term are all read and checked for the other
 * terms. If every word is common, resources are read in order until a page is full.
 */
export const COMMON_TERM_COUNT = 10_000;

const begins = (prefix: string) => sql<boolean>`term >= ${prefix} and term < ${afterPrefix(prefix)}`;

/** Reads each prefix as one range of the key, only as far as needed. */
function idsOf(condition: SearchCondition, atMost: number): RawBuilder<unknown> {
  const ranges = condition.map(
    (prefix) =>
      sql`select resource_id from (select resource_id from search_terms where ${begins(prefix)} limit ${sql.lit(atMost)}) as found`,
  );
  return sql.join(ranges, sql` union all `);
}

async function countsOf(
  db: Kysely<SearchTables>,
  conditions: readonly SearchCondition[],
  common: number,
): Promise<number[]> {
  const counts = conditions.map(
    (condition, index) =>
      sql`(select count(*) from (${idsOf(condition, common + 1)}) as matching) as ${sql.ref(`c${index}`)}`,
  );
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db);
  return conditions.map((_, index) => Number(rows[0]?.[`c${index}`] ?? 0));
}

/**
 * Checks one row at a time by a scalar subquery. With EXISTS, some servers would first read all resources with the
 * term.
 */
const check = (id: string, condition: SearchCondition): RawBuilder<boolean> => {
  const ranges = sql.join(condition.map(begins), sql` or `);
  return sql<boolean>`(select 1 from search_terms where resource_id = ${sql.ref(id)} and (${ranges}) limit 1) = 1`;
};

/** Returns the checks that a resource (`id` is its column) meets all conditions. */
export const checksOf = (id: string, conditions: readonly SearchCondition[]): RawBuilder<boolean>[] =>
  conditions.map((condition) => check(id, condition));

export interface Search {
  /** The id column of the resources: `patients.id`. */
  readonly id: string;
  readonly conditions: readonly SearchCondition[];
  /** The last id of the previous page. */
  readonly after: Uint8Array | undefined;
  readonly atMost: number;
  /** Returns further conditions on a resource, given its id column. */
  readonly filters?: (id: string) => readonly RawBuilder<boolean>[];
}

/** Either the ids of the page, as a subquery, or the checks for resources in order. */
export interface SearchPlan {
  readonly page?: RawBuilder<Uint8Array>;
  readonly checks: readonly RawBuilder<boolean>[];
}

const MATCHING = 'matching.resource_id';

/**
 * Plans a search by its rarest condition.
 * @returns undefined when no resource meets one of the conditions
 */
export async function planSearch(
  db: Kysely<SearchTables>,
  { id, conditions, after, atMost, filters = () => [] }: Search,
  common = COMMON_TERM_COUNT,
): Promise<SearchPlan | undefined> {
  if (conditions.length === 0) return undefined;
  const counts = await countsOf(db, conditions, common);
  const fewest = Math.min(...counts);
  if (fewest === 0) return undefined;
  if (fewest > common) return { checks: [...checksOf(id, conditions), ...filters(id)] };
  const rarest = counts.indexOf(fewest);
  const [driver = []] = conditions.slice(rarest);
  const others = conditions.filter((_, index) => index !== rarest);
  const beyond = after === undefined ? [] : [sql<boolean>`${sql.ref(MATCHING)} > ${after}`];
  const checks = [sql<boolean>`1 = 1`, ...beyond, ...checksOf(MATCHING, others), ...filters(MATCHING)];
  // Reads twice as many of the rarest, because some may be new since the count. MySQL wants the limit one level below
  // IN.
  const page = sql<Uint8Array>`(select resource_id from (
    select distinct ${sql.ref(MATCHING)} from (${idsOf(driver, 2 * common)}) as matching
    where ${sql.join(checks, sql` and `)} order by ${sql.ref(MATCHING)} limit ${sql.lit(atMost)}) as page)`;
  return { page, checks: [] };
}
