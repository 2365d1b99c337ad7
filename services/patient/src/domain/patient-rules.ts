/** Rules for every stored patient that a schema cannot express. */
import { type Identifier, type PatientPatch, Refusal } from '@daybook/contracts';

/** The members of their own record that patients change. The others identify the person, or are for staff to decide. */
export const OWN_CONTACTS: readonly (keyof PatientPatch)[] = ['phone', 'email', 'address', 'language'];

/** The length of the key column. Only ligatures can make a normalized identifier longer. */
const MAX_KEY = 400;

/**
 * Returns the key by which identifiers of a system are equal.
 * Case, width, spaces and invisible characters do not count, and all hyphens are equal.
 * Hyphens and leading zeros do count.
 */
export function identifierKey(value: string): string {
  const normalize = (form: 'NFKC' | 'NFC') =>
    value
      .normalize(form)
      .toLowerCase()
      .normalize(form)
      .replace(/[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
      .replace(/[\p{Pd}−]/gu, '-');
  const key = normalize('NFKC');
  return [...key].length <= MAX_KEY ? key : normalize('NFC');
}

const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const trimmed = (text: string): string => text.replace(INVISIBLE, '').trim();

/** Returns identifiers as stored: trimmed, and each once. */
export function normalizeIdentifiers(identifiers: readonly Identifier[]): Identifier[] {
  const byKey = new Map<string, Identifier>();
  for (const { system, value } of identifiers) {
    const normalized = { system: trimmed(system), value: trimmed(value) };
    const key = JSON.stringify([normalized.system, identifierKey(value)]);
    if (!byKey.has(key)) byKey.set(key, normalized);
  }
  return [...byKey.values()];
}

/**
 * Checks a birth date against the latest present date of any zone.
 * @throws Refusal `invalid-request` when the date is later
 */
export function checkBirthDate(birthDate: string, now: Temporal.Instant): void {
  const latest = now.toZonedDateTimeISO('UTC').toPlainDate().add({ days: 1 });
  if (Temporal.PlainDate.compare(birthDate, latest) <= 0) return;
  throw new Refusal('invalid-request', 'The birth date lies in the future: check its year.', {
    errors: [{ pointer: '/birthDate', message: 'must not be after tomorrow' }],
  });
}
