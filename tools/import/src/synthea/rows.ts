/** Converts rows of Synthea's files to requests of the API, which validates the rest. */
import type { Schemas } from '@daybook/client';
import { tidyName } from '@daybook/contracts';
import type { Cells } from '../csv.ts';
import { findState } from './states.ts';

/** A row that cannot become a request. The message gives the reason without content of the row. */
export class BadRow extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'BadRow';
  }
}

/** The `system` of the identifier by which an imported patient is found again. */
export const PATIENT_SYSTEM = 'urn:synthea:patient';

export const COLUMNS = {
  providers: ['Id', 'NAME', 'SPECIALITY', 'STATE'],
  patients: ['Id', 'FIRST', 'LAST', 'BIRTHDATE', 'DEATHDATE', 'GENDER', 'ADDRESS', 'CITY', 'STATE', 'ZIP'],
  encounters: ['Id', 'START', 'STOP', 'PATIENT', 'PROVIDER'],
} as const;

export interface Provider {
  readonly id: string;
  readonly doctor: Schemas['NewDoctor'] & { specialties: string[] };
}

export interface PatientRow {
  readonly id: string;
  readonly patient: Schemas['NewPatient'];
}

export interface Encounter {
  readonly id: string;
  readonly patient: string;
  readonly provider: string;
  readonly start: Temporal.Instant;
  readonly stop: Temporal.Instant;
}

/** The values that an Idempotency-Key and an identifier can have. */
const USABLE_ID = /^[\x21-\x7e]{1,100}$/;

function needed(cells: Cells, column: string): string {
  const text = cells(column);
  if (text === '') throw new BadRow(`${column} is empty`);
  return text;
}

function idIn(cells: Cells): string {
  const id = needed(cells, 'Id');
  if (!USABLE_ID.test(id)) throw new BadRow('Id is not 1 to 100 letters, digits and signs');
  return id;
}

/**
 * Returns the parsed value.
 * @throws BadRow when `parse` throws
 */
function parsed<Value>(cells: Cells, column: string, parse: (text: string) => Value, expected: string): Value {
  const text = needed(cells, column);
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new BadRow(`${column} is not ${expected}`);
    throw error;
  }
}

/** Converts `GENERAL PRACTICE` to `general-practice`. */
const kebabCase = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/**
 * Converts a row to a doctor. The first word is the given name, and the others are the family name.
 * A single word is rejected, because its part of the name would be a guess.
 * Doctors are identified by both, as Daybook stores them.
 * @throws BadRow
 */
export function toProvider(cells: Cells): Provider {
  const id = idIn(cells);
  const [givenName = '', ...others] = tidyName(needed(cells, 'NAME'))
    .split(/\s+/u)
    .map(tidyName)
    .filter((word) => word !== '');
  if (others.length === 0) throw new BadRow('NAME is a single word');
  const state = findState(needed(cells, 'STATE'));
  if (!state) throw new BadRow('STATE is not a state or territory of the US, so its time zone is not known');
  const specialty = kebabCase(cells('SPECIALITY'));
  const specialties = specialty === '' ? [] : [specialty];
  return { id, doctor: { givenName, familyName: others.join(' '), specialties, timeZone: state.timeZone } };
}

const GENDERS: Readonly<Record<string, 'male' | 'female'>> = { M: 'male', F: 'female' };

function addressIn(cells: Cells): Schemas['Address'] {
  const [line, city, postalCode] = [cells('ADDRESS'), cells('CITY'), cells('ZIP')];
  const state = findState(cells('STATE'));
  const region = state?.code ?? cells('STATE');
  return {
    ...(line && { lines: [line] }),
    ...(city && { city }),
    ...(region && { region }),
    ...(postalCode && { postalCode }),
    ...(state && { country: 'US' }),
  };
}

/**
 * Converts a row to a patient, without numbers of passports, licences or social security.
 * @throws BadRow
 */
export function toPatient(cells: Cells): PatientRow {
  const id = idIn(cells);
  const address = addressIn(cells);
  const patient: Schemas['NewPatient'] = {
    givenName: needed(cells, 'FIRST'),
    familyName: needed(cells, 'LAST'),
    birthDate: parsed(cells, 'BIRTHDATE', (text) => Temporal.PlainDate.from(text).toString(), 'a date'),
    gender: GENDERS[cells('GENDER').toUpperCase()] ?? 'unknown',
    ...(Object.keys(address).length > 0 && { address }),
    identifiers: [{ system: PATIENT_SYSTEM, value: id }],
    // A patient that has died is stored, and the API rejects each of their bookings with a reason.
    active: cells('DEATHDATE') === '',
  };
  return { id, patient };
}

/**
 * Converts a row to an encounter.
 * @throws BadRow
 */
export function toEncounter(cells: Cells): Encounter {
  const instant = (text: string) => Temporal.Instant.from(text);
  const start = parsed(cells, 'START', instant, 'a moment with its offset from UTC');
  const stop = parsed(cells, 'STOP', instant, 'a moment with its offset from UTC');
  if (Temporal.Instant.compare(stop, start) < 0) throw new BadRow('STOP is before START');
  return { id: idIn(cells), patient: needed(cells, 'PATIENT'), provider: needed(cells, 'PROVIDER'), start, stop };
}
