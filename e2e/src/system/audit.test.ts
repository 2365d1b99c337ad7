/** The audit trail of a whole system: calls of all services, as administrators and patients see them, and its chain. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import type { AccountRole } from '@daybook/contracts';
import { addAccountTo } from '@daybook/identity-service/testing';
import type { System } from '@daybook/launcher';
import { halfHour, makeClinic, registerPatient, temporaryFolder } from '@daybook/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';

const VERIFY = join(import.meta.dirname, '../../../services/identity/src/audit-verify.ts');
const SEEN = { timeout: 20_000 };

type Person = { readonly id: string; readonly client: DaybookClient };

const stack = new AsyncDisposableStack();
let data: string;
let system: System;
let people: Record<'administrator' | 'desk' | 'ana' | 'ben', Person>;
let clinic: Awaited<ReturnType<typeof makeClinic>>;
let otherPatientId: string;

async function addPerson(role: AccountRole, email: string, patientId?: string): Promise<Person> {
  const patientIds = patientId === undefined ? [] : [patientId];
  const url = `sqlite:${join(data, 'identity.sqlite')}`;
  const id = await addAccountTo(url, { role, email: `${email}@example.org`, displayName: 'Markwell' }, patientIds);
  const caller = { role, accountId: id, ...(patientId !== undefined && { id: patientId }) };
  return { id, client: createClient({ baseUrl: system.url, token: () => system.tokenFor(caller) }) };
}

beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  data = folder.path;
  system = await startEmbedded(data);
  const local = createClient({ baseUrl: system.url, token: () => system.tokenFor({ role: 'administrator' }) });
  clinic = await makeClinic(local);
  otherPatientId = (await registerPatient(local)).id;
  people = {
    administrator: await addPerson('administrator', 'root'),
    desk: await addPerson('front-desk', 'desk'),
    ana: await addPerson('patient', 'ana', clinic.patient.id),
    ben: await addPerson('patient', 'ben', otherPatientId),
  };
}, 120_000);

afterAll(() => stack.disposeAsync());

const search = async (client: DaybookClient, query: { patientId?: string; actorId?: string }) =>
  expectData(await client.GET('/api/v1/audit', { params: { query: { ...query, limit: 100 } } })).items;

/** Runs `npm run audit:verify`. */
function verify(): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  const env = { ...process.env, DAYBOOK_DATA: data };
  execFile(process.execPath, [VERIFY], { env }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: `${stdout}${stderr}` }),
  );
  return promise;
}

describe('the audit trail', () => {
  it('has a patient that the front desk read through the gateway, for administrators and for that patient', async () => {
    const { administrator, desk, ana } = people;
    const patientId = clinic.patient.id;
    const path = { id: patientId };
    expectData(await desk.client.GET('/api/v1/patients/{id}', { params: { path } }));
    const entry = { action: 'record-read', service: 'patient', operation: 'getPatient', actorRole: 'front-desk' };
    const forAdministrator = { ...entry, actorId: desk.id, patientIds: [patientId] };
    await expect
      .poll(() => search(administrator.client, { patientId }), SEEN)
      .toContainEqual(expect.objectContaining(forAdministrator));
    expect(await search(administrator.client, { actorId: desk.id })).toMatchObject([forAdministrator]);
    const own = (await search(ana.client, { patientId })).filter(({ operation }) => operation === 'getPatient');
    expect(own).toMatchObject([{ ...entry, patientIds: [patientId] }]);
    expect(own[0]).not.toHaveProperty('actorId');
  });

  it('has the calls of every service', async () => {
    const { administrator, desk } = people;
    const { doctor, patient, type } = clinic;
    const body = { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(0) };
    const { id: appointmentId } = expectData(await desk.client.POST('/api/v1/appointments', { body }));
    expectData(await desk.client.GET('/api/v1/appointments', { params: { query: { doctorId: doctor.id } } }));
    await expect
      .poll(async () => {
        const { data: found } = await desk.client.GET('/api/v1/notifications', {
          params: { query: { appointmentId } },
        });
        return found?.items.length;
      }, SEEN)
      .toBe(1);
    const found = async () =>
      (await search(administrator.client, { patientId: patient.id })).map(
        ({ service, action, operation }) => `${service} ${action} ${operation}`,
      );
    await expect
      .poll(found, SEEN)
      .toEqual(
        expect.arrayContaining([
          'appointment changed bookAppointment',
          'appointment record-read listAppointments',
          'notification record-read listNotifications',
          'identity record-read searchAudit',
        ]),
      );
    const changes = (await search(administrator.client, {})).map(({ service, program }) => `${service} ${program}`);
    expect(changes).toContain('doctor local-administrator');
  });

  it('has refused calls, and not the patient’s reads of the own record', async () => {
    const { administrator, ana, ben } = people;
    const read = ({ client }: Person, id: string) => client.GET('/api/v1/patients/{id}', { params: { path: { id } } });
    expectData(await read(ben, otherPatientId));
    expect((await read(ana, otherPatientId)).response.status).toBe(404);
    expect((await ana.client.GET('/api/v1/patients')).response.status).toBe(403);
    const refused = async () =>
      (await search(administrator.client, { actorId: ana.id })).filter(({ action }) => action === 'call-refused');
    await expect.poll(refused, SEEN).toHaveLength(2);
    expect(await refused()).toMatchObject([
      { operation: 'findPatients', patientIds: [] },
      { operation: 'getPatient', patientIds: [otherPatientId] },
    ]);
    expect(await search(administrator.client, { actorId: ben.id })).toEqual([]);
  });

  it('is for administrators and for the patient that it is about, and has no names', async () => {
    const { administrator, desk, ben } = people;
    expect((await desk.client.GET('/api/v1/audit')).response.status).toBe(403);
    expect(await search(ben.client, { patientId: clinic.patient.id })).toEqual([]);
    const all = JSON.stringify(await search(administrator.client, {}));
    for (const name of [clinic.patient.familyName, clinic.doctor.familyName, 'Markwell', 'example.org']) {
      expect(all).not.toContain(name);
    }
  });

  it('is verified by a command, which notices that others cut its end', async () => {
    expect(await verify()).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^The audit chain is whole: \d+ entries\./),
    });
    await system.close();
    expect(await verify()).toMatchObject({ code: 0, output: expect.stringMatching(/It has \d+ signed heads\./) });
    using database = new DatabaseSync(join(data, 'identity.sqlite'));
    const last = database.prepare('select max(position) as position from audit_entries').get()?.position;
    const position = Number(last) - 1;
    const removed = database.prepare('select previous_hash as hash from audit_entries where position = ?');
    const hash = removed.get(position + 1)?.hash;
    database.prepare('delete from audit_patients where position > ?').run(position);
    database.prepare('delete from audit_entries where position > ?').run(position);
    if (!(hash instanceof Uint8Array)) throw new Error('the last entry has no hash');
    database.prepare('update audit_head set position = ?, hash = ?').run(position, hash);
    const { code, output } = await verify();
    expect(output).toMatch(new RegExp(`^The audit chain is broken at entry ${position + 1}: the chain is cut`));
    expect(code).toBe(65);
  }, 60_000);
});
