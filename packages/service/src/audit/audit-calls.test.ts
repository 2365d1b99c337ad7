import { notFound, Refusal, type VerifiedCaller } from '@daybook/contracts';
import { asSharedDatabase, asSharedTransaction, DatabaseUnavailable } from '@daybook/database';
import { Type } from 'typebox';
import { expect, it } from 'vitest';
import { changedResponse, replyIdempotently } from '../http/idempotency.ts';
import { writeContextOf } from '../http/write-context.ts';
import { systemClock } from '../lifecycle/clock.ts';
import { readAudit } from '../testing/service-under-test.ts';
import { authorizationOf, type TestCaller, testAuthenticator } from '../testing/test-identity.ts';
import { bareApp, temporaryFolder, thingsOf } from '../testing.ts';
import type { Auditor, AuditRecord } from './auditor.ts';
import { createOutboxAuditor } from './outbox-auditor.ts';
import { showPatients } from './shown-patients.ts';

const [ANA, BEN] = ['01890000-0000-7000-8000-00000000000a', '01890000-0000-7000-8000-00000000000b'];
const desk = { id: 'desk', role: 'front-desk' } as const satisfies TestCaller;

/** Records calls in memory. */
function createTestAuditor() {
  const records: AuditRecord[] = [];
  let failure: Error | undefined;
  const auditor: Auditor = {
    async record(record) {
      if (failure) throw failure;
      records.push(record);
    },
  };
  return {
    auditor,
    records,
    failWith(error: Error) {
      failure = error;
    },
  };
}

/** Starts an application with a read, and with a read whose route names no patients. */
async function start() {
  const recorded = createTestAuditor();
  const { app, lines } = await bareApp({
    authenticator: testAuthenticator('thing-service'),
    auditor: recorded.auditor,
  });
  const handled: VerifiedCaller[] = [];
  app.get(
    '/api/v1/patients/:id',
    { schema: { operationId: 'getPatient', params: Type.Object({ id: Type.String() }) } },
    async (request, reply) => {
      handled.push(request.caller);
      if (request.params.id === BEN) throw notFound('patient');
      showPatients(request, [request.params.id, undefined]);
      return reply.header('etag', '"1"').send({ name: 'Ana' });
    },
  );
  app.get('/api/v1/appointments', { schema: { operationId: 'listAppointments' } }, async () => ({ items: [] }));
  app.get('/api/v1/doctors', { schema: { operationId: 'findDoctors' } }, async () => ({ items: [] }));
  app.post('/api/v1/patients', { schema: { operationId: 'registerPatient' } }, async () => {
    throw new Refusal('possible-duplicate', 'It may be there.', {
      candidates: [{ id: ANA, familyName: 'Silva', birthDate: '1990-02-01' }],
    });
  });
  const call = async (caller: TestCaller | undefined, url: string, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
    app.inject({ method, url, headers: caller ? await authorizationOf(caller, 'thing-service') : {} });
  return { ...recorded, lines, handled, call };
}

it('a read by staff is recorded once, with the caller and the patient, before the response', async () => {
  const { call, records } = await start();
  expect((await call(desk, `/api/v1/patients/${ANA.toUpperCase()}`)).statusCode).toBe(200);
  expect(records).toEqual([
    {
      action: 'record-read',
      operation: 'getPatient',
      caller: expect.objectContaining(desk),
      patientIds: [ANA],
      traceparent: expect.any(String),
    },
  ]);
  await call(desk, `/api/v1/patients/${ANA}`, 'HEAD');
  expect(records).toHaveLength(2);
});

it('a patient’s read of an own record, a service’s read and a read of no record are not recorded', async () => {
  const { call, records } = await start();
  const service = { id: 'appointment-service', role: 'service', scope: ['getPatient'] } as const;
  expect((await call({ role: 'patient', patientIds: [ANA] }, `/api/v1/patients/${ANA}`)).statusCode).toBe(200);
  expect((await call(desk, '/api/v1/doctors')).statusCode).toBe(200);
  expect((await call(service, `/api/v1/patients/${ANA}`)).statusCode).toBe(403);
  expect((await call(undefined, `/api/v1/patients/${ANA}`)).statusCode).toBe(401);
  expect((await call(desk, '/api/v1/patients/nothing-there')).statusCode).toBe(200);
  expect(records.map(({ patientIds }) => patientIds)).toEqual([['nothing-there']]);
});

it.each<[string, TestCaller, string, number]>([
  ['that hides a record', { role: 'doctor', doctorId: ANA }, `/api/v1/patients/${BEN}`, 404],
  ['of a patient that hides a record', { role: 'patient', patientIds: [ANA] }, `/api/v1/patients/${BEN}`, 404],
])('a refusal %s is recorded with the record', async (_what, caller, url, status) => {
  const { call, records } = await start();
  expect((await call(caller, url)).statusCode).toBe(status);
  expect(records).toMatchObject([{ action: 'call-refused', operation: 'getPatient', patientIds: [BEN] }]);
});

it('a refusal by the access table is recorded with its caller', async () => {
  const { call, records, handled } = await start();
  expect((await call({ id: 'noor', role: 'doctor' }, '/api/v1/patients', 'POST')).statusCode).toBe(403);
  expect(handled).toEqual([]);
  expect(records).toMatchObject([
    { action: 'call-refused', operation: 'registerPatient', caller: { id: 'noor', role: 'doctor' }, patientIds: [] },
  ]);
});

it('records that a refusal names are recorded as read', async () => {
  const { call, records } = await start();
  expect((await call(desk, '/api/v1/patients', 'POST')).statusCode).toBe(409);
  expect(records).toMatchObject([{ action: 'record-read', operation: 'registerPatient', patientIds: [ANA] }]);
});

it.each([
  ['the database', new DatabaseUnavailable(new Error('disk full'))],
  ['a mistake', new Error('no such table')],
])('a read is refused, without a trace of the record, when the record fails by %s', async (_what, error) => {
  const { call, failWith } = await start();
  failWith(error);
  const response = await call(desk, `/api/v1/patients/${ANA}`);
  expect(response.statusCode).toBe(503);
  expect(response.json()).toMatchObject({ code: 'service-unavailable' });
  expect(response.headers).toMatchObject({ 'retry-after': '1' });
  expect(response.headers).not.toHaveProperty('etag');
  expect(response.body).not.toContain('Ana');
});

it('a refusal that cannot be recorded is 503, too', async () => {
  const { call, failWith } = await start();
  failWith(new DatabaseUnavailable(new Error('disk full')));
  expect((await call(desk, `/api/v1/patients/${BEN}`)).statusCode).toBe(503);
});

it('a route that forgets to name the patients fails', async () => {
  const { call, lines } = await start();
  expect((await call(desk, '/api/v1/appointments')).statusCode).toBe(500);
  expect(lines.join('')).toContain('The route of listAppointments does not name the patients');
});

/** Starts an application that changes things, with its records in the outbox. */
async function startChanges(url: Awaited<ReturnType<typeof temporaryFolder>>) {
  const database = await url.open();
  const { app } = await bareApp({
    authenticator: testAuthenticator('thing-service'),
    auditor: createOutboxAuditor(database, '/services/thing', systemClock),
  });
  const shape = changedResponse<{ id: string; version: number }>(({ id }) => [id]);
  const Params = Type.Object({ id: Type.String() });
  app.post(
    '/api/v1/patients/:id/merge',
    { schema: { operationId: 'mergePatients', params: Params } },
    async (request, reply) => {
      const { id } = request.params;
      await replyIdempotently(request, reply, asSharedDatabase(database), shape, (write) =>
        database.write(async (tx) => {
          await tx.insertInto('things').values({ name: id }).execute();
          await write.storeResponse(asSharedTransaction(tx), { id, version: 1 });
          if (id === BEN) throw new Refusal('patient-replaced', 'It was merged.');
          return { id, version: 1 };
        }),
      );
      return reply;
    },
  );
  app.delete(
    '/api/v1/holds/:id',
    { schema: { operationId: 'releaseHold', params: Params } },
    async (request, reply) => {
      const write = writeContextOf(request);
      await database.write(async (tx) => {
        await tx.insertInto('things').values({ name: 'released' }).execute();
        if (request.params.id === ANA) await write.storeResponse(asSharedTransaction(tx), undefined);
      });
      return reply.code(204).send();
    },
  );
  const call = async (method: 'POST' | 'DELETE', path: string, key?: string) =>
    app.inject({
      method,
      url: path,
      headers: { ...(await authorizationOf(desk)), ...(key !== undefined && { 'idempotency-key': key }) },
    });
  return { database, call, audit: () => readAudit(database) };
}

it('a change is recorded in its transaction, and its replayed response is not', async () => {
  await using folder = await temporaryFolder();
  const { call, audit } = await startChanges(folder);
  for (const replayed of [undefined, 'true']) {
    const response = await call('POST', `/api/v1/patients/${ANA}/merge`, 'key');
    expect([response.statusCode, response.headers['idempotency-replayed']]).toEqual([200, replayed]);
  }
  const record = {
    action: 'changed',
    operation: 'mergePatients',
    callerId: 'desk',
    callerRole: 'front-desk',
    patientIds: [ANA],
  };
  expect(await audit()).toEqual([record]);
});

it('a change without an Idempotency-Key is recorded, and one that is undone is not', async () => {
  await using folder = await temporaryFolder();
  const { call, audit, database } = await startChanges(folder);
  expect((await call('POST', `/api/v1/patients/${BEN}/merge`)).statusCode).toBe(409);
  expect(await audit()).toEqual([]);
  expect((await call('POST', `/api/v1/patients/${ANA}/merge`)).statusCode).toBe(200);
  expect((await call('DELETE', `/api/v1/holds/${ANA}`)).statusCode).toBe(204);
  expect(await audit()).toMatchObject([{ operation: 'mergePatients' }, { operation: 'releaseHold', subjectId: ANA }]);
  expect(await thingsOf(database)).toEqual([ANA, 'released']);
});

it('a change whose transaction lacks its record is reported', async () => {
  await using folder = await temporaryFolder();
  const { call } = await startChanges(folder);
  expect((await call('DELETE', `/api/v1/holds/${BEN}`)).statusCode).toBe(500);
});

it('simultaneous records share transactions', async () => {
  await using folder = await temporaryFolder();
  const database = await folder.open();
  let commits = 0;
  database.onEvents(() => {
    commits += 1;
  });
  const auditor = createOutboxAuditor(database, '/services/thing', systemClock);
  const record = { action: 'record-read', operation: 'getPatient', caller: desk, patientIds: [ANA] } as const;
  await Promise.all(Array.from({ length: 250 }, () => auditor.record(record)));
  expect(await readAudit(database)).toHaveLength(250);
  expect(commits).toBeLessThanOrEqual(4);
});
