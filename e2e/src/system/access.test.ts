/**
 * The table of operations and roles, at the gateway of a whole system: each operation of the API document, for each
 * role, about own records and about those of others.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importSigningKey, signClientAssertion } from '@daybook/access';
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import { type AccessRole, accessOf } from '@daybook/contracts';
import { createParser, prepareServiceKey, SERVICES_WITH_KEYS } from '@daybook/service';
import { halfHour, makeClinic, registerPatient, temporaryFolder } from '@daybook/testing';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';
import { accessRequests, type Target } from './access-requests.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/openapi.json');
const document: { paths: Record<string, Record<string, { operationId: string }>> } = JSON.parse(
  await readFile(DOCUMENT, 'utf8'),
);
const operations = Object.values(document.paths).flatMap((methods) =>
  Object.values(methods).map(({ operationId }) => operationId),
);

/** In every name and reason of the records of others, and in none of one's own. */
const MARK = 'Markwell';

type Person = Exclude<AccessRole, 'service'>;
const PEOPLE: readonly Person[] = ['patient', 'doctor', 'front-desk', 'administrator', 'anonymous'];

const stack = new AsyncDisposableStack();
let url: string;
let dataFolder: string;
let client: DaybookClient;
const tokens = new Map<Person, string>();
let targets: Record<
  'own' | 'foreign',
  Omit<Target, 'appointmentId' | 'holdId' | 'exceptionId' | 'otherPatientId' | 'n'>
>;
let made = 0;

/** Makes a doctor and a patient. */
async function makePair() {
  const { doctor, patient, type } = await makeClinic(client);
  return { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id };
}

async function markForeign({ patientId }: { patientId: string }): Promise<void> {
  const body = { familyName: MARK, email: `${MARK}@example.org` };
  expectData(await client.PATCH('/api/v1/patients/{id}', { params: { path: { id: patientId } }, body }));
}

beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  const system = await startEmbedded(folder.path);
  stack.defer(() => system.close());
  url = system.url;
  dataFolder = folder.path;
  client = createClient({ baseUrl: url, token: () => system.tokenFor({ role: 'administrator' }) });
  targets = { own: await makePair(), foreign: await makePair() };
  await markForeign(targets.foreign);
  const { patientId, doctorId } = targets.own;
  tokens.set('patient', await system.tokenFor({ role: 'patient', id: patientId }));
  tokens.set('doctor', await system.tokenFor({ role: 'doctor', id: doctorId }));
  tokens.set('front-desk', await system.tokenFor({ role: 'front-desk' }));
  tokens.set('administrator', await system.tokenFor({ role: 'administrator' }));
  await makeTarget('own', 'administrator');
}, 60_000);

afterAll(() => stack.disposeAsync());

const call = (role: Person, method: string, path: string, body?: object) =>
  callWith(tokens.get(role), method, path, body);

async function callWith(token: string | undefined, method: string, path: string, body?: object) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const headers = JSON.stringify([...response.headers]);
  return { status: response.status, text: `${headers}\n${await response.text()}` };
}

/** A patient holds three slots at a time, and twenty an hour, so only these operations get a hold. */
const HOLD_OPERATIONS = ['getHold', 'releaseHold'];

/** Holds a slot: as the role where the hold has to be its own, and as an administrator otherwise. */
async function holdFor(
  { doctorId, appointmentTypeId }: Pick<Target, 'doctorId' | 'appointmentTypeId'>,
  whose: 'own' | 'foreign',
  role: Person,
): Promise<string> {
  const isHolder = whose === 'own' && accessOf('holdSlot', role).reach !== 'none';
  const holder = isHolder ? createClient({ baseUrl: url, token: tokens.get(role) ?? '' }) : client;
  const body = { doctorId, appointmentTypeId, start: halfHour(7_000 + made) };
  return expectData(await holder.POST('/api/v1/holds', { body })).id;
}

/** Makes an appointment, an exception and, where one is needed, a hold for one request. */
async function makeTarget(whose: 'own' | 'foreign', role: Person, operation = ''): Promise<Target> {
  const target = targets[whose];
  made += 1;
  const reason = whose === 'foreign' ? MARK : 'a cough';
  const appointment = expectData(
    await client.POST('/api/v1/appointments', { body: { ...target, start: halfHour(made), reason } }),
  );
  const { id: otherPatientId } = await registerPatient(client);
  const holdId = HOLD_OPERATIONS.includes(operation) ? await holdFor(target, whose, role) : target.patientId;
  const exception = expectData(
    await client.POST('/api/v1/doctors/{id}/exceptions', {
      params: { path: { id: target.doctorId } },
      body: { kind: 'time-off', start: halfHour(12_000 + made), end: halfHour(12_001 + made), reason },
    }),
  );
  return {
    ...target,
    otherPatientId,
    appointmentId: appointment.id,
    holdId,
    exceptionId: exception.id,
    n: made,
  };
}

it('the patient service learns from the event of a booking that the doctor treats the patient', async () => {
  const path = `/patients/${targets.own.patientId}`;
  await expect.poll(async () => (await call('doctor', 'GET', path)).status, { timeout: 10_000 }).toBe(200);
});

it('each operation of the API document has a request here', () => {
  expect(Object.keys(accessRequests).toSorted()).toEqual(operations.toSorted());
});

describe.each(operations)('%s', (operation) => {
  it.each(PEOPLE)('for the role %s corresponds to the access table', async (role) => {
    const { reach } = accessOf(operation, role);
    for (const whose of ['own', 'foreign'] as const) {
      const target = await makeTarget(whose, role, operation);
      const request = accessRequests[operation]?.(target);
      if (!request) throw new Error(`${operation} has no request`);
      // A hold names no patient, and a patient may hold a slot of any doctor.
      if (operation === 'holdSlot' && role === 'patient' && whose === 'foreign') continue;
      const { status, text } = await call(role, request.method, request.path, request.body);
      const what = `${operation} of ${role}, ${whose}: ${text}`;
      // The public page is closed here.
      // Only persons with an account have some operations, and `npm run token` makes no accounts.
      if (status === 403 && text.includes('This needs the sign-in of a person.')) {
        expect(reach, what).not.toBe('none');
        continue;
      }
      const isAnonymous = role === 'anonymous' && operation !== 'getClinic';
      if (isAnonymous) expect(status, what).toBe(401);
      else if (reach === 'none') expect(status, what).toBe(403);
      else if (reach === 'own' && whose === 'foreign') expect(text, what).not.toContain(MARK);
      else expect([401, 403], what).not.toContain(status);
      if (reach === 'own' && whose === 'own') expect(status, what).not.toBe(404);
      const isList = status === 200 && (request.method === 'GET' || operation === 'searchPatients');
      if (reach === 'own' && whose === 'foreign' && !isList) expect(status, what).toBeGreaterThanOrEqual(400);
      if (reach === 'none' || isAnonymous) expect(text, what).not.toContain(MARK);
    }
  });
});

/** What each service with a key calls. */
const SERVICE_CALLS = {
  'gateway-service': ['identity-service', 'getMe'],
  'appointment-service': ['patient-service', 'getPatientEligibility'],
  'notification-service': ['appointment-service', 'getAppointment'],
} as const;

const readToken = createParser(Type.Object({ access_token: Type.String() }));

/** Requests the token with which a service calls another one, as the service does. */
async function tokenOfService(service: keyof typeof SERVICE_CALLS): Promise<string> {
  const [target, scope] = SERVICE_CALLS[service];
  const key = await importSigningKey(await prepareServiceKey(dataFolder, service));
  const claims = { clientId: service, audience: `${url}/identity`, jti: randomUUID(), now: Date.now() };
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signClientAssertion(claims, key),
    resource: `urn:daybook:service:${target}`,
    scope,
  });
  const response = await fetch(`${url}/identity/token`, { method: 'POST', body });
  return readToken(await response.json()).access_token;
}

describe.each(SERVICES_WITH_KEYS)('the token of %s', (service) => {
  it('opens no operation at the gateway, because it names another service', { timeout: 120_000 }, async () => {
    const token = await tokenOfService(service);
    const target = await makeTarget('foreign', 'administrator');
    for (const operation of operations) {
      const request = accessRequests[operation]?.(target) ?? expect.fail(`${operation} has no request`);
      const { status, text } = await callWith(token, request.method, request.path, request.body);
      expect([operation, status, text.includes(MARK)]).toEqual([operation, 401, false]);
    }
  });
});
