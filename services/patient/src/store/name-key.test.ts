import { describe, expect, it } from 'vitest';
import { nameKeysOf } from './name-key.ts';

const keysOf = (givenName: string, familyName: string, birthDate = '1990-02-01') =>
  new Set(nameKeysOf({ givenName, familyName, birthDate }).map((key) => Buffer.from(key).toString('hex')));

const ana = keysOf('Ana Maria', 'Silva');
const annaLeePark = keysOf('Anna', 'Lee-Park');
const isAlike = (one: Set<string>, other: Set<string>) => !one.isDisjointFrom(other);

describe('the keys of a name and a birth date', () => {
  it.each([
    ['case', 'ANA maria', 'sILVA'],
    ['accents', 'Aná Mária', 'Sílva'],
    ['composed and decomposed letters', 'Ana\u0301 Mari\u0301a', 'Silva'],
    ['the order of the names', 'Silva', 'Maria Ana'],
    ['which of the names is the family name', 'Ana', 'Maria Silva'],
    ['spaces', '  Ana   Maria ', ' Silva'],
    ['hyphens', 'Ana-Maria', 'Silva'],
    ['apostrophes', 'Ana Mari’a', 'Silv’a'],
    ['words that are joined', 'AnaMaria', 'Silva'],
  ])('do not depend on %s', (_, givenName, familyName) => {
    expect(isAlike(keysOf(givenName, familyName), ana)).toBe(true);
  });

  it.each([
    ['joined', 'Anna', 'LeePark'],
    ['with a space', 'Anna', 'Lee Park'],
    ['joined, as the given name', 'LEEPARK', 'Anna'],
    ['with the words in another order', 'Lee', 'Park Anna'],
  ])('do not depend on how a double name is written: %s', (_, givenName, familyName) => {
    expect(isAlike(keysOf(givenName, familyName), annaLeePark)).toBe(true);
  });

  it.each([
    ['another name', 'Ana Marta', 'Silva', '1990-02-01'],
    ['one name less', 'Ana', 'Silva', '1990-02-01'],
    ['another birth date', 'Ana Maria', 'Silva', '1990-02-02'],
    ['the same letters in another order', 'Ana Maira', 'Silva', '1990-02-01'],
  ])('are others for %s', (_, givenName, familyName, birthDate) => {
    expect(isAlike(keysOf(givenName, familyName, birthDate), ana)).toBe(false);
  });

  it('are one where each name is one word', () => {
    expect(keysOf('Ana', 'Silva').size).toBe(1);
    expect(keysOf('Fergus', 'O’Brien').size).toBe(1);
    expect(ana.size).toBe(2);
  });

  it('differ for names of signs alone', () => {
    expect(isAlike(keysOf('👩‍⚕️', '!'), keysOf('🙂', '!'))).toBe(false);
    expect(isAlike(keysOf("'", '!'), keysOf('-', '!'))).toBe(false);
  });
});
