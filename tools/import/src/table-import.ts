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
/** So many bad rows are named; the others are counted. */
const MAX_NAMED = 20;

export interface TableWork<Request> {
  readonly table: Table;
  /** @throws BadRow */
  read(cells: Cells): Request;
  /** @throws BadRow, CallRefused */
  bring(request: Request): Promise<Outcome>;
  /** Whether the line of a refused row is said, too: where refusals are rare, somebody wants to look at them. */
  readonly namesRefused: boolean;
}

export async function importTable<Request>(work: TableWork<Request>, screen: Screen): Promise<Tally> {
  const { table, namesRefused } = work;
  const { size } = await stat(table.path);
  const tally = new Tally();
  let complaints = 0;
  let bytes = 0;

  function complain(line: number, why: string): void {
    complaints += 1;
    if (complaints <= MAX_NAMED) screen.say(`${table.name}, line ${line}: ${why}`);
  }

  await forEachAtMost(ROWS_IN_WORK, readRows(table), async (row) => {
    const outcome = await bringRow(work, row);
    tally.add(outcome);
    if (outcome.kind === 'bad') complain(row.line, outcome.why);
    if (outcome.kind === 'refused' && namesRefused) complain(row.line, `refused, ${outcome.code}`);
    // Rows end in another order than they begin; the bar only grows.
    bytes = Math.max(bytes, row.bytes);
    screen.progress(table.name, tally.rows, bytes / Math.max(size, bytes));
  });
  screen.clear();
  if (complaints > MAX_NAMED) screen.say(`${table.name}: and ${complaints - MAX_NAMED} more lines like these`);
  return tally;
}

async function bringRow<Request>({ read, bring }: TableWork<Request>, { cells }: Row): Promise<Outcome> {
  try {
    if (!cells) throw new BadRow('more or fewer fields than the header names');
    return await bring(read(cells));
  } catch (error) {
    if (error instanceof BadRow) return { kind: 'bad', why: error.message };
    if (error instanceof CallRefused) return { kind: 'refused', code: error.problem.code };
    throw error;
  }
}
