import type { Patient } from '@daybook/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { searchConditionsOf, searchTermsOf } from './search-terms.ts';

const patient = (givenName: string, familyName: string, more: Partial<Patient> = {}): Patient => ({
  id: '01890000-0000-7000-8000-000000000001',
  givenName,
  familyName,
  birthDate: '1990-02-01',
  active: true,
  version: 1,
  createdAt: '2026-03-02T09:00:00.000Z',
  updatedAt: '2026-03-02T09:00:00.000Z',
  ...more,
});

const meets = (terms: readonly string[], q: string): boolean =>
  searchConditionsOf(q).every((condition) => condition.some((prefix) => terms.some((term) => term.startsWith(prefix))));

it('has every part of the names, the birth date, both ends of the phone, e-mail and identifiers', () => {
  const terms = searchTermsOf(
    patient('Ana Rita', 'da Sé', {
      phone: '+1555',
      email: 'A@B.org',
      identifiers: [{ system: 'urn:mrn', value: 'A-17' }],
    }),
  );
  expect(new Set(terms)).toEqual(
    new Set(['nana', 'nrita', 'nda', 'nse', 'b1990-02-01', 'p5551', 't1555', 'ea@b.org', 'ia17']),
  );
});

it('has no term twice and none that is empty, whatever the name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (givenName, familyName) => {
      const terms = searchTermsOf(patient(givenName, familyName));
      expect(new Set(terms).size).toBe(terms.length);
      expect(terms).not.toContain('');
    }),
  );
});

it('lets the beginning of any part of a name find it, in any case, with and without accents', () => {
  const word = fc.string({ unit: fc.constantFrom(...'aábcçéÉñÑöOsSzZ-%_\\0'), minLength: 1, maxLength: 8 });
  const names = fc.array(word, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(names, names, fc.nat(), fc.nat(), (given, family, pick, length) => {
      const words = [...given, ...family];
      const chosen = words[pick % words.length] ?? '';
      const typed = chosen.slice(0, 1 + (length % chosen.length));
      const terms = searchTermsOf(patient(given.join(' '), family.join(' ')));
      for (const text of [typed, typed.toUpperCase(), typed.normalize('NFD')]) {
        expect(meets(terms, text)).toBe(true);
      }
    }),
  );
});
