/**
 * Nothing about another person comes back to a patient, whatever the request: unique marks are in all records of others,
 * and no byte of any response has one. Each operation of the API document is tested, future ones included.
 * DAYBOOK_FUZZ_SEED repeats a run, DAYBOOK_LEAK_ROUNDS makes it longer.
 */
import { openTestingAccounts } from '@daybook/identity-service/testing-accounts';
import { bearerOf, temporaryFolder } from '@daybook/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';
import { randomNumbers } from '../support/random.ts';
import { accessRequests } from '../system/access-requests.ts';
import { type Operation, readOperations } from './fuzz/document.ts';
import { prepare } from './fuzz/prepare.ts';
import { exchange, type RawResponse } from './fuzz/raw-http.ts';
import { requestsFor } from './fuzz/requests.ts';
import { type Attempt, bytesOf, pick, repeatsOf, trickedAttempt, twinsOf } from './leaks/attempts.ts';
import { makeWorld, type World } from './leaks/world.ts';

const SEED = Number(process.env.DAYBOOK_FUZZ_SEED ?? 20_261_201);
const ROUNDS = Number(process.env.DAYBOOK_LEAK_ROUNDS ?? 8);
/** Of each operation in a round. */
const TRICKED = 3;
const GENERATED = 1;
const MILLIS_A_ROUND = 60_000;
const SHOWN_BYTES = 2_000;

const stack = new AsyncDisposableStack();
let url: string;
let world: World;
let operations: readonly Operation[];
let authorizationOfStaff: string;

beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  const system = await startEmbedded(folder.path);
  stack.defer(() => system.close());
  const accounts = stack.use(await openTestingAccounts({ DAYBOOK_DATA: folder.path }));
  url = system.url;
  world = await makeWorld(system, accounts);
  // The services send their parts of the document as soon as the gateway finds them.
  operations = await vi.waitFor(() => readOperations(url), { timeout: 60_000, interval: 500 });
  authorizationOfStaff = (await bearerOf(system)).authorization;
}, 240_000);

afterAll(() => stack.disposeAsync());

type Credentials = Readonly<Record<string, string>>;

interface Sent {
  readonly response: RawResponse | undefined;
  /** Everything that came back. */
  readonly received: Buffer;
}

async function sendBytes(bytes: Buffer, method: string, isTruncated = false): Promise<Sent> {
  const { responses, rest } = await exchange(url, bytes, { method, isTruncated });
  const parts = responses.flatMap(({ status, headers, body }) => [
    Buffer.from(`${status} ${JSON.stringify([...headers])}\n`, 'latin1'),
    body,
  ]);
  return { response: responses[0], received: Buffer.concat([...parts, rest]) };
}

const shown = (bytes: Buffer): string => bytes.toString('latin1').slice(0, SHOWN_BYTES);

/** @throws Error when a mark comes back */
async function expectNoMark(bytes: Buffer, method: string, isTruncated = false): Promise<Sent> {
  const sent = await sendBytes(bytes, method, isTruncated);
  const found = world.marks.foundIn(sent.received, bytes);
  if (found.length > 0) expect.fail(`${found.join('; ')} in\n${shown(sent.received)}\n--- for ---\n${shown(bytes)}`);
  return sent;
}

const send = (attempt: Attempt, credentials: Credentials) =>
  expectNoMark(bytesOf(attempt, credentials, new URL(url).host), attempt.method);

/** Returns an id for a generated request: often of a record of others. */
function idFor(kind: string, index: number): string {
  const { own, others } = world;
  const ids = index % 3 === 0 ? own : (others[index % others.length] ?? own);
  const known: Record<string, string> = {
    patient: ids.patientId,
    doctor: ids.doctorId,
    appointment: ids.appointmentId,
    'appointment-type': ids.appointmentTypeId,
    hold: ids.holdId,
    exception: ids.exceptionId,
    account: ids.accountId,
  };
  return known[kind] ?? pick(() => (index % 7) / 7, Object.values(known));
}

/** Sends requests that follow or break the API document, as the other fuzz test does. */
async function sendGenerated(operation: Operation, credentials: Credentials, seed: number): Promise<void> {
  for (const plan of fc.sample(requestsFor(operation), { seed, numRuns: GENERATED })) {
    const { bytes } = prepare(plan, { host: new URL(url).host, credentials }, idFor);
    const isTruncated = plan.missingBytes > 0 || plan.headers.some(([name]) => name === 'transfer-encoding');
    await expectNoMark(bytes, plan.method, isTruncated);
  }
}

it('staff receives each mark that some operation has, so the search would find it', async () => {
  const { own, others, marks } = world;
  const paths = [own, ...others].flatMap(({ patientId, doctorId, appointmentId, appointmentTypeId }) => [
    ...[`/patients/${patientId}`, `/doctors/${doctorId}`, `/doctors/${doctorId}/exceptions`],
    ...[`/appointments/${appointmentId}`, `/appointments/${appointmentId}/history`],
    `/appointment-types/${appointmentTypeId}`,
  ]);
  const received = await Promise.all(
    paths.map(async (path) => {
      const headers = { authorization: authorizationOfStaff };
      return (await fetch(`${url}/api/v1${path}`, { headers })).text();
    }),
  );
  const found = marks.foundIn(Buffer.from(received.join('\n')), Buffer.alloc(0));
  for (const what of [
    ...['given name', 'family name', 'e-mail of a patient', 'phone of a patient', 'address', 'city', 'region'],
    ...['postal code', 'identifier', 'e-mail of a doctor', 'phone of a doctor', 'reason of an exception'],
    ...['family name of an inactive doctor', 'name of an inactive type', 'reason of a visit', 'note (own visit)'],
    ...['note (foreign visit)', 'reason of a move (own visit)', 'reason of an overbooking (own visit)'],
  ]) {
    expect(found).toContainEqual(expect.stringContaining(`${what} (`));
  }
});

it.each(['browser', 'program'] as const)(
  'a record of others is for a patient with a %s as one that does not exist',
  async (as) => {
    const credentials = await world.signIn(as);
    const ID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{64}/gi;
    const read = async (attempt: Attempt) => {
      const { response } = await send(attempt, credentials);
      const text = response?.body.toString() ?? '';
      return [response?.status, text.replaceAll(ID, 'ID').replace(/"traceId":"\w+"/, '')];
    };
    let n = 0;
    for (const operation of Object.keys(accessRequests)) {
      for (const { foreign, unknown } of twinsOf(operation, world, n)) {
        expect([foreign, await read(foreign)]).toEqual([foreign, await read(unknown)]);
        n += 1;
      }
    }
  },
);

it.each(['browser', 'program'] as const)(
  'the key of another sender replays nothing to a patient with a %s',
  async (as) => {
    const credentials = await world.signIn(as);
    for (const attempt of repeatsOf(world)) {
      const { response } = await send(attempt, credentials);
      expect(response?.headers.has('idempotency-replayed'), attempt.path).toBe(false);
    }
  },
);

it('no response to a patient has a mark', { timeout: ROUNDS * MILLIS_A_ROUND }, async () => {
  console.log(`DAYBOOK_FUZZ_SEED=${SEED} DAYBOOK_LEAK_ROUNDS=${ROUNDS}`);
  const random = randomNumbers(SEED);
  let n = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const credentials = await world.signIn(round % 2 === 0 ? 'browser' : 'program');
    for (const operation of Object.keys(accessRequests)) {
      for (let index = 0; index < TRICKED; index += 1) {
        await send(trickedAttempt(operation, world, random, n), credentials);
        n += 1;
      }
    }
    for (const operation of operations) await sendGenerated(operation, credentials, SEED + round);
  }
});
