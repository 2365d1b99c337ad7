import { describe, expect, test } from 'vitest';
import type { Cells } from '../csv.ts';
import { toEncounter, toPatient, toProvider } from './rows.ts';

type Fields = Record<string, string>;
const cellsOf =
  (fields: Fields): Cells =>
  (column) =>
    fields[column] ?? '';

const PROVIDER = { Id: 'd1', NAME: 'Víctor493 Noriega353', SPECIALITY: 'GENERAL PRACTICE', STATE: 'MA' };
const PATIENT = { Id: 'p1', FIRST: 'José', LAST: 'Núñez7', BIRTHDATE: '1990-02-01', GENDER: 'F' };
const ENCOUNTER = {
  Id: 'e1',
  START: '2023-01-27T16:17:47Z',
  STOP: '2023-01-27T16:32:47Z',
  PATIENT: 'p1',
  PROVIDER: 'd1',
};

const provider = (changes: Fields = {}) => toProvider(cellsOf({ ...PROVIDER, ...changes }));
const patient = (changes: Fields = {}) => toPatient(cellsOf({ ...PATIENT, ...changes }));
const encounter = (changes: Fields = {}) => toEncounter(cellsOf({ ...ENCOUNTER, ...changes }));

describe('a provider', () => {
  test('becomes a doctor in the zone of the state', () => {
    const doctor = {
      givenName: 'Víctor493',
      familyName: 'Noriega353',
      specialties: ['general-practice'],
      timeZone: 'America/New_York',
    };
    expect(provider()).toEqual({ id: 'd1', doctor });
  });

  test('has the first word as given name and the others as family name', () => {
    expect(provider({ NAME: 'Ana  de la\tCruz' }).doctor).toMatchObject({ givenName: 'Ana', familyName: 'de la Cruz' });
  });

  test('has the names that Daybook keeps, without invisible characters', () => {
    const { givenName, familyName } = provider({ NAME: '\u2060 An\u200ba de\u00ad la\u2060' }).doctor;
    expect([givenName, familyName]).toEqual(['Ana', 'de la']);
    expect(provider({ NAME: 'علی\u200cرضا رضوی' }).doctor.givenName).toBe('علی\u200cرضا');
    expect(() => provider({ NAME: 'Cher \u2060' })).toThrow(/NAME is a single word/);
  });

  test.each([
    ['OB/GYN & Midwifery', 'ob-gyn-midwifery'],
    ['  (Pédiatrie)', 'pediatrie'],
  ])('%s is the specialty %s', (text, specialty) => {
    expect(provider({ SPECIALITY: text }).doctor.specialties).toEqual([specialty]);
  });

  test('without a specialty is a doctor without one', () => {
    expect(provider({ SPECIALITY: '' }).doctor.specialties).toEqual([]);
  });

  test.each([
    [{ NAME: 'Cher' }, /NAME is a single word/],
    [{ NAME: '' }, /NAME is empty/],
    [{ STATE: '' }, /STATE is empty/],
    [{ STATE: 'Bayern' }, /^STATE is not a state/],
    [{ Id: 'a b' }, /^Id is not/],
    [{ Id: 'é' }, /^Id is not/],
  ])('of a bad row is refused: %o', (changes: Fields, why) => {
    expect(() => provider(changes)).toThrow(why);
  });
});

describe('a patient', () => {
  test('brings nothing that the import does not need', () => {
    expect(patient({ SSN: '999-17-5017', DRIVERS: 'S1', PASSPORT: 'X1' })).toEqual({
      id: 'p1',
      patient: {
        givenName: 'José',
        familyName: 'Núñez7',
        birthDate: '1990-02-01',
        gender: 'female',
        identifiers: [{ system: 'urn:synthea:patient', value: 'p1' }],
        active: true,
      },
    });
  });

  test.each([
    ['M', 'male'],
    ['f', 'female'],
    ['', 'unknown'],
    ['X', 'unknown'],
  ])('of gender "%s" is %s', (text, gender) => {
    expect(patient({ GENDER: text }).patient.gender).toBe(gender);
  });

  test('has an address of the parts that are there', () => {
    const { address } = patient({ ADDRESS: '1 Elm St', CITY: 'Lynn', STATE: 'Massachusetts', ZIP: '' }).patient;
    expect(address).toEqual({ lines: ['1 Elm St'], city: 'Lynn', region: 'MA', country: 'US' });
  });

  test('outside the states has no country, since none is written', () => {
    expect(patient({ STATE: 'Bayern', ZIP: '80331' }).patient.address).toEqual({
      region: 'Bayern',
      postalCode: '80331',
    });
  });

  test('a patient who has died is not active', () => {
    expect(patient({ DEATHDATE: '2020-05-05' }).patient.active).toBe(false);
  });

  test.each([
    [{ BIRTHDATE: '1990-02-30' }, /^BIRTHDATE is not a date$/],
    [{ BIRTHDATE: '' }, /BIRTHDATE is empty/],
    [{ FIRST: '' }, /FIRST is empty/],
    [{ LAST: '' }, /LAST is empty/],
    [{ Id: '' }, /Id is empty/],
  ])('of a bad row is refused: %o', (changes: Fields, why) => {
    expect(() => patient(changes)).toThrow(why);
  });
});

describe('an encounter', () => {
  test('is between a patient and a provider', () => {
    const { START, STOP } = ENCOUNTER;
    const times = { start: Temporal.Instant.from(START), stop: Temporal.Instant.from(STOP) };
    expect(encounter()).toEqual({ id: 'e1', patient: 'p1', provider: 'd1', ...times });
  });

  test.each([
    [{ START: '2023-01-27' }, /^START is not a moment/],
    [{ START: '2023-01-27T16:17:47' }, /^START is not a moment/],
    [{ STOP: '' }, /STOP is empty/],
    [{ STOP: '2023-01-27T16:17:46Z' }, /STOP is before START/],
    [{ PATIENT: '' }, /PATIENT is empty/],
    [{ PROVIDER: '' }, /PROVIDER is empty/],
  ])('of a bad row is refused: %o', (changes: Fields, why) => {
    expect(() => encounter(changes)).toThrow(why);
  });
});
