/** Brings the rows of one file, many at once, and counts what becomes of each. */
import { stat } from 'node:fs/promises';
import { CallRefused } from '@daybook/client';
import { forEachAtMost } from './concurrency.ts';
import { type Cells, type Row, readRows, type Table } from './csv.ts';
import { BadRow } from './rows.ts';
import type { Screen } from './screen.ts';
import { type Outcome, Tally } from './tally.ts';

/** More than there are requests in flight: rows that must wait for their turn hold up no others. */
const ROWS_IN_WORK = 256;

export interface TableWork<Request> {
  readonly table: Table;
  /** @throws BadRow */
  read(cells: Cells): Request;
  /** @throws BadRow, CallRefused */
  bring(request: Request): Promise<Outcome>;
}

export async function importTable<Request>(work: TableWork<Request>, screen: Screen): Promise<Tally> {
  const { table } = work;
  const { size } = await stat(table.path);
  const tally = new Tally();
  let bytes = 0;

  await forEachAtMost(ROWS_IN_WORK, readRows(table), async (row) => {
    const outcome = await bringRow(work, row);
    tally.add(outcome);
    const why = reasonOf(outcome);
    if (why !== undefined) screen.say(`${table.name}, line ${row.line}: ${why}`);
    // Rows end in another order than they begin; the bar only grows.
    bytes = Math.max(bytes, row.bytes);
    screen.progress(table.name, tally.rows, bytes / Math.max(size, bytes));
  });
  screen.clear();
  return tally;
}

/** Why a row is not in Daybook; undefined when it is. Nothing of the row itself. */
function reasonOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'bad') return outcome.why;
  if (outcome.kind === 'refused') return `rejected, ${outcome.code}: ${outcome.detail}`;
  return undefined;
}

/** Names the field, where the rule is about one. Problem documents never hold a value. */
function detailOf({ problem }: CallRefused): string {
  const faults = (problem.errors ?? []).map(({ pointer, message }) => `${pointer} ${message}`);
  return faults.length > 0 ? faults.join(', ') : problem.detail;
}

async function bringRow<Request>({ read, bring }: TableWork<Request>, { cells }: Row): Promise<Outcome> {
  try {
    if (!cells) throw new BadRow('more or fewer fields than the header names');
    return await bring(read(cells));
  } catch (error) {
    if (error instanceof BadRow) return { kind: 'bad', why: error.message };
    if (error instanceof CallRefused) return { kind: 'refused', code: error.problem.code, detail: detailOf(error) };
    throw error;
  }
}
