/** Text for searching: case and accents do not matter, and neither do spaces at the ends. */
export const fold = (text: string): string =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/gu, ' ').trim();

/** Greater than every text that begins with `prefix`, in the order of code points. */
export const afterPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;
