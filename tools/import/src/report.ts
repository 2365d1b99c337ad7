/** Formats the table at the end. */
import type { Counts } from './counts.ts';

export interface Report {
  readonly doctors: Counts;
  readonly patients: Counts;
  readonly appointments: Counts;
}

const HEADER = ['', 'rows', 'new', 'already there', 'refused', 'bad rows'];

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

/** Aligns columns to their widest cell: the first to the left, numbers to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Returns all outcomes of each kind, which add up to its rows, and its rejections by code, most frequent first. */
export function formatReport({ doctors, patients, appointments }: Report): string {
  const rows = [HEADER];
  for (const [kind, counts] of Object.entries({ doctors, patients, appointments })) {
    const refused = sum(counts.refused.values());
    rows.push([kind, ...[counts.rows, counts.created, counts.existing, refused, counts.bad].map(String)]);
    const byCount = [...counts.refused].sort(([codeA, a], [codeB, b]) => b - a || (codeA < codeB ? -1 : 1));
    for (const [code, count] of byCount) rows.push([`  ${code}`, '', '', '', String(count), '']);
  }
  return align(rows).join('\n');
}
