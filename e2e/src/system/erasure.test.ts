/**
 * Exports the data of a patient through the gateway, and erases it. Afterwards no byte of any database file has one of
 * the marks that were in every text.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import type { System } from '@daybook/launcher';
import { type Clinic, clientOf, halfHour, makeClinic, temporaryFolder } from '@daybook/testing';
import { databaseKind } from '@daybook/testing/databases';
import { expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';

const DEADLINE = { timeout: 15_000 };
/** Searches are in folded letters. A phone is also stored with its digits from the last to the first. */
const MARKS = ['marsupial', '+15559090901', '1090909555', '1961-03-04'];

const person = {
  givenName: 'Marsupialgiven',
  familyName: 'Marsupialfamily',
  birthDate: '1961-03-04',
  email: 'marsupial@example.org',
  phone: '+15559090901',
  address: { lines: ['1 Marsupial Street'], city: 'Marsupialville', postalCode: 'MARSUPIAL' },
  identifiers: [{ system: 'urn:marsupial', value: 'MARSUPIAL-1' }],
};

/** Returns which marks are in each file of a folder. */
async function marksIn(folder: string): Promise<Record<string, string[]>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: Record<string, string[]> = {};
  for (const entry of names.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const text = (await readFile(path)).toString('latin1').toLowerCase();
    const marks = MARKS.filter((mark) => text.includes(mark));
    if (marks.length > 0) found[path.slice(folder.length + 1)] = marks;
  }
  return found;
}

/** Registers and merges a patient, and books, moves and cancels visits, with marks in every text. */
async function plant(client: DaybookClient, { doctor, type }: Clinic, system: System) {
  const key = (name: string) => ({ header: { 'idempotency-key': name } });
  const { id } = expectData(await client.POST('/api/v1/patients', { body: person, params: key('register') }));
  const twin = { ...person, confirmedNew: true, identifiers: [{ system: 'urn:marsupial', value: 'MARSUPIAL-2' }] };
  const { id: absorbed } = expectData(await client.POST('/api/v1/patients', { body: twin }));
  const book = async (patientId: string, n: number, name: string) => {
    const visit = { patientId, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(n) };
    const body = { ...visit, reason: 'a marsupial bite' };
    return expectData(await client.POST('/api/v1/appointments', { body, params: key(name) })).id;
  };
  const visits = [await book(id, 2, 'first'), await book(absorbed, 6, 'second')];
  const merge = { into: id, reason: 'marsupial twice' };
  expectData(await client.POST('/api/v1/patients/{id}/merge', { params: { path: { id: absorbed } }, body: merge }));
  for (const [index, visit] of visits.entries()) {
    const params = { path: { id: visit } };
    const note = 'Mrs Marsupial is afraid. '.repeat(60);
    expectData(await client.PATCH('/api/v1/appointments/{id}', { params, body: { note } }));
    const move = { start: halfHour(10 + index * 4), reason: 'marsupial asked' };
    expectData(await client.POST('/api/v1/appointments/{id}/reschedule', { params, body: move }));
  }
  const path = { id };
  const change = { email: 'marsupial.new@example.org', givenName: 'Marsupialchanged' };
  expectData(await client.PATCH('/api/v1/patients/{id}', { params: { path }, body: change }));
  const token = await system.tokenFor({ role: 'doctor', id: doctor.id });
  const asDoctor = createClient({ baseUrl: system.url, token });
  const reason = 'unconscious after a marsupial bite';
  expectData(await asDoctor.POST('/api/v1/patients/{id}/emergency-access', { params: { path }, body: { reason } }));
  return { id, absorbed, visits };
}

it('the data of a patient is exported whole, and no byte of it is left after an erasure', async () => {
  await using folder = await temporaryFolder();
  const system = await startEmbedded(folder.path);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => system.close());
  const client = clientOf(system);
  const { id, absorbed, visits } = await plant(client, await makeClinic(client), system);
  const params = { path: { id } };
  const body = { basis: 'request' } as const;
  const tryErasure = async () => (await client.POST('/api/v1/patients/{id}/erasure', { params, body })).error?.code;
  await expect.poll(tryErasure, DEADLINE).toBe('upcoming-appointments');

  const exported = expectData(await client.GET('/api/v1/patients/{id}/export', { params }));
  expect(exported).toMatchObject({ patient: { id, address: person.address }, merged: [{ id: absorbed }] });
  const parts = await Promise.all(
    exported.parts.map(async ({ name, href }) => {
      const authorization = `Bearer ${await system.tokenFor({ role: 'administrator' })}`;
      const response = await fetch(new URL(href, system.url), { headers: { authorization } });
      return { name, status: response.status, text: await response.text() };
    }),
  );
  // Accounts and the audit trail are for people who signed in, and no token here belongs to one.
  const readable = parts.filter(({ status }) => status === 200);
  expect(new Set(readable.map(({ name }) => name))).toEqual(new Set(['appointments', 'messages']));
  const texts = readable.map(({ text }) => text).join('\n');
  for (const text of [...visits, 'a marsupial bite', 'Mrs Marsupial is afraid', 'marsupial asked', 'rescheduled']) {
    expect(texts).toContain(text);
  }
  if (databaseKind === 'sqlite') expect(Object.keys(await marksIn(folder.path))).toContain('patient.sqlite-wal');

  for (const visit of visits) {
    const cancellation = { params: { path: { id: visit } }, body: { reason: 'the marsupial died' } };
    expectData(await client.POST('/api/v1/appointments/{id}/cancel', cancellation));
  }
  await expect.poll(tryErasure, DEADLINE).toBeUndefined();

  const empty = expectData(await client.GET('/api/v1/patients/{id}', { params }));
  expect(empty).toMatchObject({ id, active: false, erasedAt: expect.any(String) });
  expect(empty).not.toHaveProperty('familyName');
  const search = expectData(await client.POST('/api/v1/patients/search', { body: { q: 'marsupial' } }));
  expect(search.items).toEqual([]);
  const historyOf = async (visit: string) =>
    JSON.stringify(
      expectData(await client.GET('/api/v1/appointments/{id}/history', { params: { path: { id: visit } } })),
    );
  for (const visit of visits) await expect.poll(() => historyOf(visit), DEADLINE).not.toMatch(/marsupial/i);
  if (databaseKind !== 'sqlite') return;
  await expect.poll(() => marksIn(folder.path), DEADLINE).toEqual({});
  await stack.disposeAsync();
  expect(await marksIn(folder.path)).toEqual({});
}, 120_000);
