/**
 * A clinic in which a patient has one record, and everything else belongs to others. A mark is in each text of others
 * that a patient must not read, and in the notes and reasons of staff about the patient's own visits.
 */
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import type { TestingAccounts } from '@daybook/identity-service/testing-accounts';
import { createParser } from '@daybook/service';
import { type CallableSystem, halfHour, makeClinic, registerPatient } from '@daybook/testing';
import { Type } from 'typebox';
import type { Target } from '../../system/access-requests.ts';
import { Marks } from './marks.ts';

/** A request that has a stored response, which belongs to its sender. */
export interface StoredRequest {
  readonly path: string;
  readonly body: object;
  readonly key: string;
}

type Ids = Omit<Target, 'n'> & { readonly accountId: string; readonly sessionHandle: string };

export interface World {
  readonly marks: Marks;
  readonly own: Ids;
  readonly others: readonly Ids[];
  /** Cursors of lists of others. */
  readonly cursors: readonly string[];
  readonly stored: readonly StoredRequest[];
  /** Returns the headers of the patient: of a browser that is signed in, or of a program. */
  signIn(as: 'browser' | 'program'): Promise<Record<string, string>>;
}

/** Registers patients with marks, and merges one of them into another. */
async function registerMarked(client: DaybookClient, marks: Marks): Promise<string[]> {
  const ids: string[] = [];
  for (const _ of Array(3)) {
    const body = {
      givenName: marks.word('given name'),
      familyName: marks.word('family name'),
      birthDate: '1931-07-23',
      email: marks.email('e-mail of a patient'),
      phone: marks.phone('phone of a patient'),
      address: {
        lines: [marks.word('address')],
        city: marks.word('city'),
        region: marks.word('region'),
        postalCode: marks.word('postal code'),
      },
      identifiers: [{ system: `urn:${marks.word('system of an identifier')}`, value: marks.word('identifier') }],
      confirmedNew: true,
    };
    ids.push(marks.id(expectData(await client.POST('/api/v1/patients', { body })).id, 'id of a patient'));
  }
  const [, into = '', merged = ''] = ids;
  const body = { into, reason: marks.word('reason of a merge') };
  expectData(await client.POST('/api/v1/patients/{id}/merge', { params: { path: { id: merged } }, body }));
  return ids;
}

const ids = ({ doctor, type }: Awaited<ReturnType<typeof makeClinic>>) => ({
  doctorId: doctor.id,
  appointmentTypeId: type.id,
});

/** Gives a doctor contacts, which only staff reads, and time off with a reason. Returns the id of the exception. */
async function markDoctor(client: DaybookClient, marks: Marks, doctorId: string): Promise<string> {
  const path = { id: doctorId };
  const contacts = { email: marks.email('e-mail of a doctor'), phone: marks.phone('phone of a doctor') };
  expectData(await client.PATCH('/api/v1/doctors/{id}', { params: { path }, body: contacts }));
  const timeOff = { kind: 'time-off', start: halfHour(9_000), end: halfHour(9_002) } as const;
  const body = { ...timeOff, reason: marks.word('reason of an exception') };
  const added = expectData(await client.POST('/api/v1/doctors/{id}/exceptions', { params: { path }, body }));
  return marks.id(added.id, 'id of an exception');
}

async function makeInactive(client: DaybookClient, marks: Marks) {
  const body = {
    givenName: marks.word('given name of an inactive doctor'),
    familyName: marks.word('family name of an inactive doctor'),
    email: marks.email('e-mail of an inactive doctor'),
    specialties: ['general-practice'],
    timeZone: 'UTC',
    active: false,
  };
  const doctor = expectData(await client.POST('/api/v1/doctors', { body }));
  const named = { name: marks.word('name of an inactive type'), durationMinutes: 30, active: false };
  const type = expectData(await client.POST('/api/v1/appointment-types', { body: named }));
  return {
    doctorId: marks.id(doctor.id, 'id of an inactive doctor'),
    appointmentTypeId: marks.id(type.id, 'id of an inactive type'),
  };
}

interface VisitOptions {
  readonly patientId: string;
  readonly doctorId: string;
  readonly appointmentTypeId: string;
}

/** The half hours of the next planted visits. */
let nextStart = 100;
function newStart(): string {
  nextStart += 2;
  return halfHour(nextStart);
}

/** Takes a time of a doctor for a patient without marks. */
async function takeTime(client: DaybookClient, visit: Omit<VisitOptions, 'patientId'>, start: string): Promise<void> {
  const { id: patientId } = await registerPatient(client);
  expectData(await client.POST('/api/v1/appointments', { body: { ...visit, patientId, start } }));
}

/** Books a visit over another as staff does, writes a note and moves it. Each has a text of its own. */
async function bookMarked(client: DaybookClient, marks: Marks, whose: 'own' | 'foreign', visit: VisitOptions) {
  const start = newStart();
  await takeTime(client, { doctorId: visit.doctorId, appointmentTypeId: visit.appointmentTypeId }, start);
  const reason = whose === 'own' ? 'a cough' : marks.word('reason of a visit');
  const overbooking = { reason: marks.word(`reason of an overbooking (${whose} visit)`) };
  const booked = expectData(
    await client.POST('/api/v1/appointments', { body: { ...visit, start, reason, overbooking } }),
  );
  const params = { path: { id: booked.id } };
  const note = marks.word(`note (${whose} visit)`);
  expectData(await client.PATCH('/api/v1/appointments/{id}', { params, body: { note } }));
  const body = { start: newStart(), reason: marks.word(`reason of a move (${whose} visit)`) };
  expectData(await client.POST('/api/v1/appointments/{id}/reschedule', { params, body }));
  return whose === 'own' ? booked.id : marks.id(booked.id, 'id of an appointment');
}

async function cancelMarked(client: DaybookClient, marks: Marks, visit: VisitOptions): Promise<void> {
  const id = await bookMarked(client, marks, 'foreign', visit);
  const body = { reason: marks.word('reason of a cancellation') };
  expectData(await client.POST('/api/v1/appointments/{id}/cancel', { params: { path: { id } }, body }));
}

async function holdMarked(client: DaybookClient, marks: Marks, { doctorId, appointmentTypeId }: VisitOptions) {
  const body = { doctorId, appointmentTypeId, start: newStart() };
  const hold = expectData(await client.POST('/api/v1/holds', { body }));
  return marks.id(hold.id, 'id of a hold');
}

/** Sends requests with keys. Their responses are stored, and have marks. */
async function storeResponses(
  client: DaybookClient,
  marks: Marks,
  { patientId, doctorId, appointmentTypeId }: VisitOptions,
): Promise<StoredRequest[]> {
  const slot = { doctorId, appointmentTypeId, start: newStart() };
  const booking = {
    doctorId,
    appointmentTypeId,
    patientId,
    start: newStart(),
    reason: marks.word('reason of a stored booking'),
  };
  const params = (key: string) => ({ header: { 'idempotency-key': key } });
  const [ofBooking, ofHold] = ['stored-booking', 'stored-hold'];
  const booked = await client.POST('/api/v1/appointments', { params: params(ofBooking), body: booking });
  marks.id(expectData(booked).id, 'id of a stored appointment');
  const held = await client.POST('/api/v1/holds', { params: params(ofHold), body: slot });
  marks.id(expectData(held).id, 'id of a stored hold');
  return [
    { path: '/appointments', body: booking, key: ofBooking },
    { path: '/holds', body: slot, key: ofHold },
  ];
}

const readPage = createParser(Type.Object({ nextCursor: Type.Optional(Type.String()) }));
const LISTS = ['patients', 'doctors', 'doctors?active=false', 'appointments', 'appointment-types'];

/** Returns the cursors of the first pages of an administrator's lists. */
async function cursorsOf(url: string, authorization: string): Promise<string[]> {
  const cursors: string[] = [];
  for (const list of LISTS) {
    const response = await fetch(`${url}/api/v1/${list}${list.includes('?') ? '&' : '?'}limit=1`, {
      headers: { authorization },
    });
    const { nextCursor } = readPage(await response.json());
    if (nextCursor !== undefined) cursors.push(nextCursor);
  }
  return cursors;
}

/** Adds an account of another person with a session. */
async function addOther(accounts: TestingAccounts, marks: Marks, role: 'patient' | 'front-desk', patientId: string) {
  const names = { email: marks.email('e-mail of an account'), displayName: marks.word('name of an account') };
  const account = await accounts.add({ role, ...names });
  if (role === 'patient') await accounts.link(account, { patientId, relation: 'self' });
  await accounts.signIn(account, marks.word('device of a session'));
  const [handle = ''] = await accounts.sessionsOf(account);
  return {
    accountId: marks.id(account.id, 'id of an account'),
    sessionHandle: marks.id(handle, 'handle of a session'),
  };
}

interface Planted {
  readonly own: Omit<Ids, 'accountId' | 'sessionHandle'>;
  readonly foreign: Omit<Ids, 'accountId' | 'sessionHandle'>;
  /** The record that was merged into the foreign one, and another visit at the own doctor. */
  readonly other: Omit<Ids, 'accountId' | 'sessionHandle'>;
}

/** Plants the records of the patient at one clinic, and those of others at both. */
async function plantRecords(client: DaybookClient, marks: Marks): Promise<Planted> {
  const [clinic, otherClinic] = [await makeClinic(client), await makeClinic(client)];
  const [patientId = '', otherPatientId = '', mergedId = ''] = await registerMarked(client, marks);
  const own = { ...ids(clinic), patientId: clinic.patient.id };
  const foreign = { ...ids(otherClinic), patientId };
  const plant = async (whose: 'own' | 'foreign', visit: VisitOptions) => ({
    ...visit,
    otherPatientId,
    appointmentId: await bookMarked(client, marks, whose, visit),
    exceptionId: await markDoctor(client, marks, visit.doctorId),
    holdId: await holdMarked(client, marks, visit),
  });
  const [ofOwn, ofForeign] = [await plant('own', own), await plant('foreign', foreign)];
  await cancelMarked(client, marks, foreign);
  const inactive = await makeInactive(client, marks);
  // At the own doctor, where the two patients could meet.
  const appointmentId = await bookMarked(client, marks, 'foreign', { ...own, patientId: otherPatientId });
  return { own: ofOwn, foreign: ofForeign, other: { ...ofForeign, ...inactive, patientId: mergedId, appointmentId } };
}

/** Lets a doctor read a patient in an emergency, for a reason that only the audit trail has. */
async function readInEmergency(system: CallableSystem, marks: Marks, { doctorId, patientId }: Planted['foreign']) {
  const token = await system.tokenFor({ role: 'doctor', id: doctorId });
  const doctor = createClient({ baseUrl: system.url, token });
  const body = { reason: marks.word('reason of an emergency') };
  const params = { path: { id: patientId } };
  expectData(await doctor.POST('/api/v1/patients/{id}/emergency-access', { params, body }));
}

export async function makeWorld(system: CallableSystem, accounts: TestingAccounts): Promise<World> {
  const { url } = system;
  const administrator = await system.tokenFor({ role: 'administrator' });
  const client = createClient({ baseUrl: url, token: administrator });
  const marks = new Marks();
  const { own, foreign, other } = await plantRecords(client, marks);
  await readInEmergency(system, marks, foreign);
  const ana = await accounts.add({ role: 'patient', email: 'ana@example.org', displayName: 'Ana Silva' });
  const bea = await addOther(accounts, marks, 'patient', foreign.patientId);
  const desk = await addOther(accounts, marks, 'front-desk', foreign.patientId);
  const { port } = new URL(url);
  return {
    marks,
    own: { ...own, accountId: ana.id, sessionHandle: bea.sessionHandle },
    others: [
      { ...foreign, ...bea },
      { ...other, ...desk },
    ],
    stored: await storeResponses(client, marks, foreign),
    cursors: await cursorsOf(url, `Bearer ${administrator}`),
    async signIn(as) {
      if (as === 'program')
        return { authorization: `Bearer ${await system.tokenFor({ role: 'patient', id: own.patientId })}` };
      // An earlier request may have ended the link.
      await accounts.link(ana, { patientId: own.patientId, relation: 'self' });
      const cookie = `daybook_${port}=${await accounts.signIn(ana)}`;
      return { cookie, 'sec-fetch-site': 'same-origin', 'x-requested-with': 'leaks' };
    },
  };
}
