/** The appointment types that a doctor offers, as they are stored. */

/** Returns the ids as Daybook writes them, each once, or undefined for all. */
export const normalTypeIds = (ids: readonly string[] | undefined): string[] | undefined =>
  ids && [...new Set(ids.map((id) => id.toLowerCase()))];

/** Reads a column. It holds what `normalTypeIds` returned, as JSON. */
export const toTypeIds = (column: string | null | undefined): string[] | undefined =>
  typeof column === 'string' ? JSON.parse(column) : undefined;
