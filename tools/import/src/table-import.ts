/** Imports the rows of one file concurrently, and counts their outcomes. */
import { stat } from 'node:fs/promises';
import { forEachConcurrently } from '@daybook/async';
import { CallRefused } from '@daybook/client';
import { Counts, type Outcome } from './counts.ts';
import { type Cells, type Row, readRows, type Table } from './csv.ts';
import type { Progress } from './progress.ts';
import { BadRow } from './synthea/rows.ts';

/** More than the concurrent requests, so that rows that wait for others do not block the rest. */
const CONCURRENT_ROWS = 256;

export interface TableImport<Request> {
  readonly table: Table;
  /**
   * Converts a row.
   * @throws BadRow
   */
  read(cells: Cells): Request;
  /**
   * Imports one row.
   * @throws BadRow, CallRefused
   */
  importOne(request: Request): Promise<Outcome>;
}

export async function importTable<Request>(work: TableImport<Request>, progress: Progress): Promise<Counts> {
  const { table } = work;
  const { size } = await stat(table.path);
  const counts = new Counts();
  let bytes = 0;

  await forEachConcurrently(CONCURRENT_ROWS, readRows(table), async (row) => {
    const outcome = await importRow(work, row);
    counts.add(outcome);
    const reason = reasonOf(outcome);
    if (reason !== undefined) progress.print(`${table.name}, line ${row.line}: ${reason}`);
    // Rows may end in another order than they begin, but the bar only grows.
    bytes = Math.max(bytes, row.bytes);
    progress.update(table.name, counts.rows, bytes / Math.max(size, bytes));
  });
  progress.clear();
  return counts;
}

/** Returns why a row is not in Daybook, without its content; undefined for a row that is. */
function reasonOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'bad') return outcome.reason;
  if (outcome.kind === 'refused') return `rejected, ${outcome.code}: ${outcome.detail}`;
  return undefined;
}

/** Returns a detail with the name of the field, if the rule is about one. Problem documents never contain values. */
function detailOf({ problem }: CallRefused): string {
  const faults = (problem.errors ?? []).map(({ pointer, message }) => `${pointer} ${message}`);
  return faults.length > 0 ? faults.join(', ') : problem.detail;
}

async function importRow<Request>({ read, importOne }: TableImport<Request>, { cells }: Row): Promise<Outcome> {
  try {
    if (!cells) throw new BadRow('more or fewer fields than the header names');
    return await importOne(read(cells));
  } catch (error) {
    if (error instanceof BadRow) return { kind: 'bad', reason: error.message };
    if (error instanceof CallRefused) return { kind: 'refused', code: error.problem.code, detail: detailOf(error) };
    throw error;
  }
}
