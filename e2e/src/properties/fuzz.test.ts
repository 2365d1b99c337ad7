/**
 * No request of a caller gets a 5xx. Every operation of the API document is tested, future ones included.
 * The requests follow the document or break it.
 * DAYBOOK_FUZZ_SEED repeats a run, DAYBOOK_FUZZ_ROUNDS makes it longer.
 */
import { expectData } from '@daybook/client';
import { createParser } from '@daybook/service';
import { bearerOf, clientOf, type DaybookProcess, startDaybook, temporaryFolder } from '@daybook/testing';
import fc from 'fast-check';
import { Type } from 'typebox';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Operation, readOperations } from './fuzz/document.ts';
import { faultOf } from './fuzz/oracle.ts';
import { MARKER } from './fuzz/placeholders.ts';
import { prepare } from './fuzz/prepare.ts';
import { exchange } from './fuzz/raw-http.ts';
import { type Plan, requestsFor } from './fuzz/requests.ts';
import { makeSubjects, type Subjects } from './fuzz/subjects.ts';

const SEED = Number(process.env.DAYBOOK_FUZZ_SEED ?? 20_261_123);
const ROUNDS = Number(process.env.DAYBOOK_FUZZ_ROUNDS ?? 24);
/** For each operation in a round. */
const RUNS = 10;
/** For one request and its response; many times the usual duration. */
const MILLIS_A_RUN = 500;
const MOST_OPERATIONS = 200;
const SHRINK_MILLIS = 10_000;
const SHOWN_BYTES = 3_000;
/** Operations in which the fuzzer, an administrator without an account, has no success, but gets refusals only. */
const OUT_OF_REACH = [
  // Only after a failure.
  'POST /api/v1/admin/parked-events/{consumer}/{eventId}/resend',
  // For services, and for doctors.
  'GET /api/v1/patients/{id}/contact-changes/{changeId}',
  'GET /api/v1/patients/{id}/contact-proof',
  'GET /api/v1/patients/{id}/eligibility',
  'POST /api/v1/patients/{id}/emergency-access',
];
/** Operations for persons with an account, which `services/identity` tests. */
const OF_ACCOUNTS = /^[A-Z]+ \/api\/v1\/(?:accounts|audit)\b/;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let daybook: DaybookProcess;
let subjects: Subjects;
/** The names of operations that succeeded at least once. */
const succeeded = new Set<string>();

beforeAll(async () => {
  folder = await temporaryFolder();
  daybook = await startDaybook({ data: folder.path, environment: { LOG_LEVEL: 'info' } });
});

afterAll(async () => {
  await daybook?.end();
  await folder?.[Symbol.asyncDispose]();
});

const shown = (bytes: Buffer): string => bytes.toString('latin1').slice(0, SHOWN_BYTES);

const COMPLAINT = new RegExp(`unexpected error|${MARKER}`);
const knownComplaints = new Set<string>();

/** Returns a new line of the log that reports a problem. */
function newComplaint(): string | undefined {
  const output = daybook.output();
  if (!COMPLAINT.test(output)) return undefined;
  // The first line may be cut, because the output has a limited length.
  const [, ...lines] = output.split('\n');
  const found = lines.find((line) => COMPLAINT.test(line) && !knownComplaints.has(line));
  if (found !== undefined) knownComplaints.add(found);
  return found?.slice(0, SHOWN_BYTES);
}

/** Returns whether the request announces more bytes than it sends, so that the service would wait for the rest. */
const isTruncated = ({ missingBytes, headers }: Plan): boolean =>
  missingBytes > 0 || headers.some(([name]) => name === 'transfer-encoding');

async function tryOut(plan: Plan): Promise<void> {
  const destination = { host: new URL(daybook.url).host, credentials: await bearerOf(daybook) };
  const { bytes, validity } = prepare(plan, destination, subjects.idOf);
  const { responses, rest } = await exchange(daybook.url, bytes, {
    method: plan.method,
    isTruncated: isTruncated(plan),
  });
  const [response] = responses;
  // A service may treat a client as gone that ends in the middle of a request.
  if (!response && rest.length === 0 && isTruncated(plan)) return;
  const fault = response ? faultOf(plan, validity, response) : `no response: ${shown(rest)}`;
  if (fault)
    throw new Error(`${fault}\n${response && shown(response.body)}\n--- for (${validity}) ---\n${shown(bytes)}\n`);
  if (response) subjects.learn(response);
  if (response && response.status < 300) succeeded.add(plan.operation.name);
  const complaint = newComplaint();
  if (complaint) throw new Error(`in the log: ${complaint}\n--- for (${validity}) ---\n${shown(bytes)}\n`);
}

/** Returns the first fault of the requests for an operation; undefined without one. */
async function findingOf(operation: Operation, round: number): Promise<string | undefined> {
  const property = fc.asyncProperty(requestsFor(operation), tryOut);
  const details = await fc.check(property, {
    seed: SEED + round,
    numRuns: RUNS,
    interruptAfterTimeLimit: RUNS * MILLIS_A_RUN + SHRINK_MILLIS,
  });
  if (!details.failed) return undefined;
  const error = details.errorInstance instanceof Error ? details.errorInstance.message : 'it was not done in time';
  return `${operation.name} (seed ${details.seed}, path ${details.counterexamplePath}): ${error}`;
}

it('responds to every request as the API document describes', {
  timeout: 60_000 + ROUNDS * RUNS * MOST_OPERATIONS * MILLIS_A_RUN,
}, async () => {
  console.log(`DAYBOOK_FUZZ_SEED=${SEED} DAYBOOK_FUZZ_ROUNDS=${ROUNDS}`);
  const operations = await readOperations(daybook.url);
  const findings = new Map<Operation, string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    // A new clinic, because earlier rounds have used up theirs.
    subjects = await makeSubjects(daybook);
    const [inSomeOrder = []] = fc.sample(fc.shuffledSubarray([...operations], { minLength: operations.length }), {
      seed: SEED + round,
      numRuns: 1,
    });
    for (const operation of inSomeOrder.filter((operation) => !findings.has(operation))) {
      const finding = await findingOf(operation, round);
      if (finding !== undefined) findings.set(operation, finding);
    }
  }
  expect([...findings.values()].join('\n\n')).toBe('');
  // Fails if an operation never succeeded, because it would be untested.
  const names = operations
    .map(({ name }) => name)
    .filter((name) => !OUT_OF_REACH.includes(name) && !OF_ACCOUNTS.test(name));
  expect(names.filter((name) => !succeeded.has(name))).toEqual([]);
});

const isEndless = (schema: unknown): boolean =>
  typeof schema === 'object' &&
  schema !== null &&
  (('type' in schema && schema.type === 'array' && !('maxItems' in schema)) || Object.values(schema).some(isEndless));

it('takes no list without an end', async () => {
  const operations = await readOperations(daybook.url);
  const endless = operations.filter(({ body, parameters }) => [body, ...parameters].some(isEndless));
  expect(endless.map(({ name }) => name)).toEqual([]);
});

const Page = Type.Object({
  items: Type.Array(Type.Object({ id: Type.String() })),
  nextCursor: Type.Optional(Type.String()),
});
const readPage = createParser(Page);

/** Returns the ids of a whole list, page by page. */
async function listed(path: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '100', ...(cursor !== undefined && { cursor }) });
    const response = await fetch(`${daybook.url}${path}?${query}`, { headers: await bearerOf(daybook) });
    expect(response.status, path).toBe(200);
    const { items, nextCursor } = readPage(await response.json());
    ids.push(...items.map(({ id }) => id));
    cursor = nextCursor;
  } while (cursor !== undefined);
  return ids;
}

it('shows all that was made of it', { timeout: 120_000 }, async () => {
  for (const kind of ['patients', 'doctors', 'appointment-types', 'appointments']) {
    const ids = await listed(`/api/v1/${kind}`);
    expect(new Set(ids).size, kind).toBe(ids.length);
    for (const id of ids) {
      const response = await fetch(`${daybook.url}/api/v1/${kind}/${id}`, { headers: await bearerOf(daybook) });
      expect(response.status, `${kind} ${id}`).toBe(200);
    }
  }
});

it('gave no patient two appointments at once', { timeout: 60_000 }, async () => {
  const client = clientOf(daybook);
  const taken = new Map<string, { start: string; end: string }[]>();
  for (const id of await listed('/api/v1/appointments')) {
    const { patientId, status, start, end } = expectData(
      await client.GET('/api/v1/appointments/{id}', { params: { path: { id } } }),
    );
    if (status !== 'cancelled' && status !== 'noshow')
      taken.set(patientId, [...(taken.get(patientId) ?? []), { start, end }]);
  }
  for (const appointments of taken.values()) {
    const inOrder = appointments.toSorted((one, other) => (one.start < other.start ? -1 : 1));
    for (const [index, { end }] of inOrder.entries()) expect((inOrder[index + 1]?.start ?? end) >= end).toBe(true);
  }
});

it('is ready after all of it', async () => {
  expect((await fetch(`${daybook.url}/health/ready`)).status).toBe(200);
});
