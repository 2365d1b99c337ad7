/** The plan of a search changes how many rows it reads, and never its results. */
import {
  type Database,
  idFromBytes,
  idToBytes,
  newId,
  openDatabase,
  planSearch,
  writeSearchTerms,
} from '@daybook/database';
import { cleanDatabase } from '@daybook/testing/databases';
import { expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import type { PatientTables } from './tables.ts';

const PATIENTS = 60;
const LIMIT = 4;

/** Every second patient has the word 2 and every third the word 3. All have a word of their own. */
const termsOf = (index: number) => [
  `own${index}`,
  'all',
  ...[2, 3, 7].filter((n) => index % n === 0).map((n) => `w${n}`),
];

async function openPatients() {
  const database = await openDatabase<PatientTables>(await cleanDatabase('patient'), migrations);
  onTestFinished(() => database.close());
  const ids = Array.from({ length: PATIENTS }, () => newId());
  const same = { given_name: null, family_name: 'X', birth_date: '1990-02-01', active: 1, details: '{}', version: 1 };
  await database.write(async (tx) => {
    for (const [index, id] of ids.entries()) {
      const keys = { name_key: idToBytes(id), joined_name_key: idToBytes(id) };
      const row = { id: idToBytes(id), ...keys, ...same, created_at: 0, updated_at: 0 };
      await tx.insertInto('patients').values(row).execute();
      await writeSearchTerms(tx, row.id, termsOf(index));
    }
  });
  return { database, ids };
}

async function pageOf(
  database: Database<PatientTables>,
  conditions: string[][],
  after: Uint8Array | undefined,
  common: number,
) {
  return database.read(async (db) => {
    const plan = await planSearch(db, { id: 'patients.id', conditions, after, atMost: LIMIT }, common);
    if (!plan) return [];
    let found = db.selectFrom('patients').select('id').orderBy('id').limit(LIMIT);
    if (plan.page) found = found.where('id', 'in', plan.page);
    else if (after !== undefined) found = found.where('id', '>', after);
    for (const check of plan.checks) found = found.where(check);
    return (await found.execute()).map(({ id }) => idFromBytes(id));
  });
}

it.each([
  ['one word', [['w2']]],
  ['two words', [['w2'], ['w3']]],
  ['a common word and a rare one', [['all'], ['own14']]],
  ['words that no patient has together', [['own3'], ['w2']]],
  ['a word that no patient has', [['w2'], ['none']]],
  [
    'one word or another',
    [
      ['w2', 'w3'],
      ['w7', 'own1'],
    ],
  ],
])('a search for %s finds the same patients by each plan, page by page', async (_what, conditions) => {
  const { database, ids } = await openPatients();
  const expected = ids.filter((_, index) =>
    conditions.every((any) => any.some((prefix) => termsOf(index).some((term) => term.startsWith(prefix)))),
  );
  for (const common of [0, 10, 1_000]) {
    const found: string[] = [];
    for (;;) {
      const last = found.at(-1);
      const page = await pageOf(database, conditions, last === undefined ? undefined : idToBytes(last), common);
      found.push(...page);
      if (page.length < LIMIT) break;
    }
    expect(found).toEqual(expected);
  }
});
