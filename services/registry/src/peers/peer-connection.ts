/** Calls one other registry over HTTP. Every call has a deadline, and every response a largest size. */
import { createValidator } from '@daybook/service';
import { type Static, Type } from 'typebox';
import { Agent } from 'undici';
import { Registration } from '../domain/instance.ts';
import { REPLICATION_HEADER } from '../domain/replication.ts';

const CALL_DEADLINE_MILLIS = 5_000;
/** Enough for about ten thousand instances. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;

const checkInstance = createValidator(Registration);
const EntryOutcome = Type.Object({ statusCode: Type.Integer(), responseEntity: Type.Optional(Type.Unknown()) });
const checkBatch = createValidator(Type.Object({ responseList: Type.Array(EntryOutcome) }));
const OneOrMany = Type.Union([Type.Array(Type.Unknown()), Type.Object({})]);
const checkApplications = createValidator(
  Type.Object({ applications: Type.Object({ application: Type.Optional(OneOrMany) }) }),
);
const checkApplication = createValidator(Type.Object({ instance: Type.Optional(OneOrMany) }));

/** The peer did not respond, or its response is not valid. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  /** Whether a repetition of the call may succeed. */
  readonly isTransient: boolean;

  constructor(message: string, isPassing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isTransient = isPassing;
  }
}

export interface PeerOutcome {
  readonly statusCode: number;
  /** The peer's version of the instance, if its change is later. */
  readonly newer: Registration | undefined;
}

export interface PeerConnection {
  /** For logs, without a password. */
  readonly origin: string;
  /** Returns an outcome for each entry. @throws PeerError */
  sendBatch(entries: readonly object[]): Promise<PeerOutcome[]>;
  /** Returns every readable instance of the peer. @throws PeerError */
  fetchAll(signal: AbortSignal): Promise<Registration[]>;
  close(): Promise<void>;
}

export function createPeerConnection(url: string): PeerConnection {
  const { origin, pathname, username, password } = new URL(url);
  const headers = { accept: 'application/json', ...authorizationOf(username, password) };
  const agent = new Agent({ maxResponseSize: MAX_RESPONSE_BYTES, connect: { timeout: CALL_DEADLINE_MILLIS } });

  async function call(method: 'GET' | 'POST', path: string, body?: object, signal?: AbortSignal): Promise<unknown> {
    const deadline = AbortSignal.timeout(CALL_DEADLINE_MILLIS);
    try {
      const response = await agent.request({
        origin,
        path: `${pathname.replace(/\/+$/, '')}/${path}`,
        method,
        headers: { ...headers, ...(body && { 'content-type': 'application/json', [REPLICATION_HEADER]: 'true' }) },
        body: body ? JSON.stringify(body) : null,
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
      if (response.statusCode === 200) return await response.body.json();
      await response.body.dump();
      throw new PeerError(`status ${response.statusCode}`, response.statusCode >= 500 || response.statusCode === 429);
    } catch (error) {
      if (error instanceof PeerError) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'no response';
      throw new PeerError(code, true, { cause: error });
    }
  }

  return {
    origin,
    async sendBatch(entries) {
      const checked = checkBatch(await call('POST', 'peerreplication/batch/', { replicationList: entries }));
      if (!('value' in checked) || checked.value.responseList.length !== entries.length) {
        throw new PeerError('the response does not match the replication schema', false);
      }
      return checked.value.responseList.map(outcomeOf);
    },
    fetchAll: async (signal) => instancesOf(await call('GET', 'apps/', undefined, signal)),
    close: () => agent.destroy(),
  };
}

/** Returns the header for the credentials in the URL, as in Spring's `defaultZone`. They never appear in a log. */
function authorizationOf(username: string, password: string): { authorization?: string } {
  if (username === '') return {};
  const credentials = decoded(`${username}:${password}`);
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // The percent sign stands for itself.
    if (error instanceof URIError) return text;
    throw error;
  }
}

function outcomeOf({ statusCode, responseEntity }: Static<typeof EntryOutcome>): PeerOutcome {
  const checked = responseEntity === undefined ? undefined : checkInstance(responseEntity);
  return { statusCode, newer: checked && 'value' in checked ? checked.value : undefined };
}

/** Returns an array. Java's codecs write one item as an object and several as an array. */
const toArray = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

function instancesOf(body: unknown): Registration[] {
  const checked = checkApplications(body);
  if (!('value' in checked)) throw new PeerError('the response is not a list of applications', false);
  const applications = toArray(checked.value.applications.application).map(checkApplication);
  return applications
    .flatMap((application) => ('value' in application ? toArray(application.value.instance) : []))
    .map(checkInstance)
    .flatMap((instance) => ('value' in instance ? [instance.value] : []));
}
