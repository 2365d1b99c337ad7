/** Phones in any written form that includes the country. */
import { createRequire } from 'node:module';
import type * as Library from 'libphonenumber-js/min';

let library: typeof Library | undefined;

/** Loads the library for the first phone, because it takes 70 ms and 10 MB. Many processes never need it. */
function load(): typeof Library {
  library ??= createRequire(import.meta.url)('libphonenumber-js/min') as typeof Library;
  return library;
}

/**
 * Removes characters without a glyph, which copied numbers may contain. Replaces `00`, which many countries write for
 * `+`.
 */
const written = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .trim()
    .replace(/^tel:/i, '')
    .replace(/^00\s*(?=[1-9])/, '+');

/**
 * Returns a phone as E.164, or undefined when it cannot exist. Numbers without a country, with missing digits or with
 * an extension are invalid, because E.164 has no extensions.
 */
export function toE164(text: string): string | undefined {
  const phone = load().parsePhoneNumberFromString(written(text), { extract: false });
  // Not `isValid`, because the assigned numbers of a country change more often than releases.
  return phone?.isPossible() && phone.ext === undefined ? phone.number : undefined;
}

export const isPhone = (text: string): boolean => toE164(text) !== undefined;
