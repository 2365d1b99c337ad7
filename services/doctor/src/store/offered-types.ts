/** Converts the appointment types that a doctor offers. */

/** Returns normalized ids, each once, or undefined for all. */
export const normalTypeIds = (ids: readonly string[] | undefined): string[] | undefined =>
  ids && [...new Set(ids.map((id) => id.toLowerCase()))];

/** Reads a column, which contains the result of `normalTypeIds` as JSON. */
export const toTypeIds = (column: string | null | undefined): string[] | undefined =>
  typeof column === 'string' ? JSON.parse(column) : undefined;
