/** Birth dates as people type them into a search. */

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
 * Returns the date of a word, as `1990-02-01`, or undefined when it is none or may be two. Dots stand in dates that begin with
 * the day; beside slashes and hyphens, only one of day and month may be 12 or less, or both are the same.
 */
export function dateIn(word: string): string | undefined {
  const [, year, month, day] = YEAR_FIRST.exec(word) ?? [];
  if (year !== undefined) return isoOf(Number(year), Number(month), Number(day));
  const [, first, separator, second, last] = YEAR_LAST.exec(word) ?? [];
  if (first === undefined) return undefined;
  const dayFirst = isoOf(Number(last), Number(second), Number(first));
  if (separator === '.') return dayFirst;
  const monthFirst = isoOf(Number(last), Number(first), Number(second));
  if (dayFirst === undefined || monthFirst === undefined) return dayFirst ?? monthFirst;
  return dayFirst === monthFirst ? dayFirst : undefined;
}
