/** Requests of a patient for the records of others: plain ones for each operation, and with tricks. */
import { randomUUID } from 'node:crypto';
import { type AccessRequest, accessRequests } from '../../system/access-requests.ts';
import type { World } from './world.ts';

export interface Attempt {
  readonly operation: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, which may be invalid. */
  readonly body?: string | undefined;
}

export type Random = () => number;

export const pick = <Item>(random: Random, items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
};

type Ids = World['own'];

const toAttempt = (operation: string, { method, path, body }: AccessRequest): Attempt => ({
  operation,
  method,
  path: `/api/v1${path}`,
  headers: {},
  ...(body && { body: JSON.stringify(body) }),
});

/** Visits begin within the planning horizon. */
const MOST_TIMES = 2_000;

/** Returns the request of an operation about records. Operations on accounts name accounts and sessions that exist. */
function requestOf(operation: string, ids: Ids, n: number): Attempt {
  const request = accessRequests[operation]?.({ ...ids, n: n % MOST_TIMES });
  if (!request) throw new Error(`${operation} has no request`);
  const path = request.path
    .replace(`/accounts/${ids.patientId}`, `/accounts/${ids.accountId}`)
    .replace('0'.repeat(64), ids.sessionHandle);
  return toAttempt(operation, { ...request, path });
}

const UNKNOWN: Readonly<Record<keyof Ids, string>> = {
  patientId: randomUUID(),
  otherPatientId: randomUUID(),
  doctorId: randomUUID(),
  appointmentTypeId: randomUUID(),
  appointmentId: randomUUID(),
  holdId: randomUUID(),
  exceptionId: randomUUID(),
  accountId: randomUUID(),
  sessionHandle: 'f'.repeat(64),
};

/** The records whose existence a patient must not learn. Active doctors and types are public. */
const HIDDEN = [
  'patientId',
  'otherPatientId',
  'appointmentId',
  'holdId',
  'exceptionId',
  'accountId',
  'sessionHandle',
] as const;

/** A request about records of others, and the same about records that do not exist. */
export interface Twins {
  readonly foreign: Attempt;
  readonly unknown: Attempt;
}

/** Returns the twins of an operation, one pair for each kind of record that its request names. */
export function twinsOf(operation: string, { own, others }: World, n: number): Twins[] {
  const base = { ...own, otherPatientId: own.patientId };
  const [other = own, { doctorId } = own] = others;
  // The doctor of the others is inactive.
  const hidden: Partial<Ids>[] = [...HIDDEN.map((kind) => ({ [kind]: other[kind] })), { doctorId }];
  return hidden
    .map((foreign) => {
      const unknown = Object.fromEntries(Object.entries(UNKNOWN).filter(([kind]) => kind in foreign));
      return {
        foreign: requestOf(operation, { ...base, ...foreign }, n),
        unknown: requestOf(operation, { ...base, ...unknown }, n),
      };
    })
    .filter(({ foreign, unknown }) => foreign.path !== unknown.path || foreign.body !== unknown.body);
}

/** Changes an attempt. */
type Trick = (attempt: Attempt, world: World, random: Random) => Attempt;

const ID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g;

/** Changes the first id of the path. */
const inPath =
  (change: (id: string, own: string) => string): Trick =>
  (attempt, { own }) => {
    const [id] = attempt.path.match(ID) ?? [];
    return id === undefined ? attempt : { ...attempt, path: attempt.path.replace(id, change(id, own.patientId)) };
  };

const hex = (text: string): string => [...text].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');

const withQuery = (attempt: Attempt, pairs: readonly string[]): Attempt => ({
  ...attempt,
  path: `${attempt.path}${attempt.path.includes('?') ? '&' : '?'}${pairs.join('&')}`,
});
const withHeader = (attempt: Attempt, name: string, value: string): Attempt => ({
  ...attempt,
  headers: { ...attempt.headers, [name]: value },
});

const foreignId = ({ others }: World, random: Random): string => {
  const ids = pick(random, others);
  return pick(random, [ids.patientId, ids.doctorId, ids.appointmentId, ids.holdId, ids.accountId, ids.exceptionId]);
};

const NAMES = ['id', 'patientId', 'patient_id', 'patientId[]', 'doctorId', 'appointmentId', 'accountId', 'actorId'];
const CLAIMS = [
  'x-patient-id',
  'x-user-id',
  'x-daybook-caller',
  'x-daybook-role',
  'x-forwarded-user',
  'x-on-behalf-of',
];
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];

const doubledQuery =
  (isForeignFirst: boolean): Trick =>
  (attempt, world, random) => {
    const name = pick(random, NAMES);
    const values = [foreignId(world, random), world.own.patientId];
    return withQuery(
      attempt,
      (isForeignFirst ? values : values.toReversed()).map((value) => `${name}=${value}`),
    );
  };

/** Adds a second member of the same name to the body. Parsers differ on which one counts. */
const doubledMember: Trick = (attempt, world, random) => {
  if (attempt.body === undefined) return attempt;
  const name = pick(random, ['patientId', 'doctorId', 'into', 'id', 'holdId']);
  const extra = `${JSON.stringify(name)}:${JSON.stringify(foreignId(world, random))}`;
  const inside = attempt.body.slice(1, -1);
  const members = random() < 0.5 ? [extra, inside] : [inside, extra];
  return { ...attempt, body: `{${members.filter((member) => member !== '').join(',')}}` };
};

const TRICKS: readonly Trick[] = [
  (attempt) => attempt,
  inPath((id) => id.toUpperCase()),
  inPath((id) => hex(id)),
  inPath((id) => hex(hex(id))),
  inPath((id) => id.replaceAll('-', '')),
  inPath((id) => `{${id}}`),
  inPath((id, own) => `${own}/../${id}`),
  inPath((id, own) => `${own}%2f..%2f${id}`),
  inPath((id, own) => `${own},${id}`),
  inPath((id) => `${id};x=1`),
  inPath((id) => `${id}%00`),
  inPath((id) => `${id}/`),
  doubledQuery(true),
  doubledQuery(false),
  doubledMember,
  (attempt, world, random) => withQuery(attempt, [`cursor=${pick(random, world.cursors)}`]),
  (attempt, world, random) => withQuery(attempt, [`cursor=${pick(random, world.cursors)}`, 'limit=100']),
  (attempt) => withQuery(attempt, ['limit=100']),
  (attempt) => withQuery(attempt, ['active=false', 'status=cancelled', 'needsRescheduling=true']),
  // Half of a mark, so that a response with the whole of it shows where it comes from.
  (attempt, { marks }, random) => withQuery(attempt, [`q=${pick(random, [...marks.all.keys()]).slice(0, 5)}`]),
  (attempt, _, random) => withHeader(attempt, 'if-none-match', pick(random, ['"1"', '"2"', '"3"', '*', 'W/"1"'])),
  (attempt, _, random) => withHeader(attempt, 'if-match', pick(random, ['"1"', '"2"', '"3"', '*'])),
  (attempt, world, random) => withHeader(attempt, 'idempotency-key', pick(random, world.stored).key),
  (attempt, world, random) => withHeader(attempt, pick(random, CLAIMS), foreignId(world, random)),
  (attempt, _, random) => withHeader(attempt, 'x-http-method-override', pick(random, METHODS)),
  (attempt) => withHeader(attempt, 'accept', 'text/html, application/xml;q=0.9'),
  (attempt) => withHeader(attempt, 'x-daybook-role', 'administrator'),
  (attempt, _, random) => ({ ...attempt, method: pick(random, METHODS) }),
];

/** The share of ids that are the patient's own. */
const OWN_SHARE = 0.3;

/** Returns the request of an operation about records, at least some of which are others', with up to two tricks. */
export function trickedAttempt(operation: string, world: World, random: Random, n: number): Attempt {
  const { own, others } = world;
  const other = pick(random, others);
  const owned = HIDDEN.filter(() => random() < OWN_SHARE).map((kind) => [kind, own[kind]]);
  const mixed: Ids = { ...other, ...Object.fromEntries(owned) };
  const tricks = [pick(random, TRICKS), pick(random, TRICKS)];
  return tricks.reduce((attempt, trick) => trick(attempt, world, random), requestOf(operation, mixed, n));
}

/** Returns the requests that others sent with a key, word for word. */
export const repeatsOf = ({ stored }: World): Attempt[] =>
  stored.map(({ path, body, key }) => ({
    ...toAttempt(`repeated ${path}`, { method: 'POST', path, body }),
    headers: { 'idempotency-key': key },
  }));

/** Returns the bytes of an attempt. */
export function bytesOf(
  { method, path, headers, body }: Attempt,
  credentials: Readonly<Record<string, string>>,
  host: string,
) {
  const content = Buffer.from(body ?? '');
  const all = {
    host,
    connection: 'close',
    ...credentials,
    ...headers,
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(content.length) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return Buffer.concat([Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')), content]);
}
