/** Phones in any written form that names a country. */
import { createRequire } from 'node:module';
import type * as Library from 'libphonenumber-js/min';

let library: typeof Library | undefined;

/** Loads the library with the first phone: it takes 70 ms and 10 MB, and many processes never see a phone. */
function load(): typeof Library {
  library ??= createRequire(import.meta.url)('libphonenumber-js/min') as typeof Library;
  return library;
}

/** Characters without a glyph come along when a number is copied; `00` is how many countries write `+`. */
const written = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .trim()
    .replace(/^tel:/i, '')
    .replace(/^00\s*(?=[1-9])/, '+');

/**
 * Returns a phone as E.164, or undefined when the text is not one that can exist: without its country, with digits missing, or
 * with an extension, which E.164 has no room for.
 */
export function toE164(text: string): string | undefined {
  const phone = load().parsePhoneNumberFromString(written(text), { extract: false });
  // Not `isValid`: which numbers of a country are given out changes more often than any release.
  return phone?.isPossible() && phone.ext === undefined ? phone.number : undefined;
}

export const isPhone = (text: string): boolean => toE164(text) !== undefined;
