/** Parses birth dates as people type them into a search. */

const YEAR_FIRST = /^(\d{4})[-./](\d{1,2})[-./](\d{1,2})$/;
const YEAR_LAST = /^(\d{1,2})([-./])(\d{1,2})\2(\d{4})$/;

function isoOf(year: number, month: number, day: number): string | undefined {
  try {
    return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' }).toString();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Returns the dates that a word may mean, as `1990-02-01`: none, one, or two.
 * A date with dots begins with the day. With slashes and hyphens the day or the month may come first.
 */
export function datesIn(word: string): string[] {
  const [, year, month, day] = YEAR_FIRST.exec(word) ?? [];
  if (year !== undefined) return datesOf(isoOf(Number(year), Number(month), Number(day)));
  const [, first, separator, second, last] = YEAR_LAST.exec(word) ?? [];
  if (first === undefined) return [];
  const dayFirst = isoOf(Number(last), Number(second), Number(first));
  return separator === '.' ? datesOf(dayFirst) : datesOf(dayFirst, isoOf(Number(last), Number(first), Number(second)));
}

/** Returns each date once. */
const datesOf = (...dates: readonly (string | undefined)[]): string[] => [
  ...new Set(dates.filter((date) => date !== undefined)),
];
