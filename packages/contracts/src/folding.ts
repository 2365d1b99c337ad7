/**
 * Text for searching: case and accents do not matter, and neither do spaces at the ends. The beginning of a text folds
 * to the beginning of what the text folds to: a final sigma is a sigma.
 */
export const fold = (text: string): string =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ς', 'σ').replace(/\s+/gu, ' ').trim();

/** As long as a search term can be in a database. */
const MAX_TERM = 255;

/** What searches for these texts may begin with: folded, each once, nothing empty. */
export const searchTerms = (texts: readonly string[]): string[] =>
  [...new Set(texts.map((text) => fold(text).slice(0, MAX_TERM)))].filter((term) => term !== '');

/** Greater than every text that begins with `prefix`, in the order of code points. */
export const afterPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;
