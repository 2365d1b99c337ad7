import { describe, expect, it } from 'vitest';
import { nameKeyOf } from './name-key.ts';

const keyOf = (givenName: string, familyName: string, birthDate = '1990-02-01') =>
  Buffer.from(nameKeyOf({ givenName, familyName, birthDate })).toString('hex');

const ana = keyOf('Ana Maria', 'Silva');

describe('the key of a name and a birth date', () => {
  it.each([
    ['case', 'ANA maria', 'sILVA'],
    ['accents', 'Aná Mária', 'Sílva'],
    ['composed and decomposed letters', 'Ana\u0301 Mari\u0301a', 'Silva'],
    ['the order of the names', 'Silva', 'Maria Ana'],
    ['which of the names is the family name', 'Ana', 'Maria Silva'],
    ['spaces', '  Ana   Maria ', ' Silva'],
    ['hyphens', 'Ana-Maria', 'Silva'],
  ])('does not depend on %s', (_, givenName, familyName) => {
    expect(keyOf(givenName, familyName)).toBe(ana);
  });

  it.each([
    ['another name', 'Ana Marta', 'Silva', '1990-02-01'],
    ['one name less', 'Ana', 'Silva', '1990-02-01'],
    ['another birth date', 'Ana Maria', 'Silva', '1990-02-02'],
    ['words that are joined', 'AnaMaria', 'Silva', '1990-02-01'],
  ])('is another for %s', (_, givenName, familyName, birthDate) => {
    expect(keyOf(givenName, familyName, birthDate)).not.toBe(ana);
  });

  it('differs for names of signs alone', () => {
    expect(keyOf('👩‍⚕️', '!')).not.toBe(keyOf('🙂', '!'));
  });
});
