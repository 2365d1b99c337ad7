/** HTTP to one other registry. Every call has a deadline, every answer a largest size. */
import { checkerOf } from '@daybook/service';
import { type Static, Type } from 'typebox';
import { Agent } from 'undici';
import { Registration } from '../domain/instance.ts';
import { REPLICATION_HEADER } from '../domain/replication.ts';

const CALL_DEADLINE_MILLIS = 5_000;
/** About ten thousand instances. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const checkInstance = checkerOf(Registration);
const EntryOutcome = Type.Object({ statusCode: Type.Integer(), responseEntity: Type.Optional(Type.Unknown()) });
const checkBatch = checkerOf(Type.Object({ responseList: Type.Array(EntryOutcome) }));
const OneOrMany = Type.Union([Type.Array(Type.Unknown()), Type.Object({})]);
const checkApplications = checkerOf(
  Type.Object({ applications: Type.Object({ application: Type.Optional(OneOrMany) }) }),
);
const checkApplication = checkerOf(Type.Object({ instance: Type.Optional(OneOrMany) }));

/** The peer did not answer, or not with what is to be understood. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
  /** Whether the same call may be answered another time. */
  readonly isPassing: boolean;

  constructor(message: string, isPassing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isPassing = isPassing;
  }
}

export interface PeerOutcome {
  readonly statusCode: number;
  /** The instance as the peer has it, where that is of a later change. */
  readonly newer: Registration | undefined;
}

export interface PeerConnection {
  /** For logs: without a password. */
  readonly origin: string;
  /** An outcome for each entry. @throws PeerFailure */
  sendBatch(entries: readonly object[]): Promise<PeerOutcome[]>;
  /** Every instance there that can be read. @throws PeerFailure */
  fetchAll(signal: AbortSignal): Promise<Registration[]>;
  close(): Promise<void>;
}

export function createPeerConnection(url: string): PeerConnection {
  const { origin, pathname, username, password } = new URL(url);
  const headers = { accept: 'application/json', ...authorizationOf(username, password) };
  const agent = new Agent({ maxResponseSize: MAX_ANSWER_BYTES, connect: { timeout: CALL_DEADLINE_MILLIS } });

  async function call(method: 'GET' | 'POST', path: string, body?: object, signal?: AbortSignal): Promise<unknown> {
    const deadline = AbortSignal.timeout(CALL_DEADLINE_MILLIS);
    try {
      const answer = await agent.request({
        origin,
        path: `${pathname.replace(/\/+$/, '')}/${path}`,
        method,
        headers: { ...headers, ...(body && { 'content-type': 'application/json', [REPLICATION_HEADER]: 'true' }) },
        body: body ? JSON.stringify(body) : null,
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
      if (answer.statusCode === 200) return await answer.body.json();
      await answer.body.dump();
      throw new PeerFailure(`status ${answer.statusCode}`, answer.statusCode >= 500 || answer.statusCode === 429);
    } catch (error) {
      if (error instanceof PeerFailure) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
      throw new PeerFailure(code, true, { cause: error });
    }
  }

  return {
    origin,
    async sendBatch(entries) {
      const checked = checkBatch(await call('POST', 'peerreplication/batch/', { replicationList: entries }));
      if (!('value' in checked) || checked.value.responseList.length !== entries.length) {
        throw new PeerFailure('an answer that is not to be understood', false);
      }
      return checked.value.responseList.map(outcomeOf);
    },
    fetchAll: async (signal) => instancesOf(await call('GET', 'apps/', undefined, signal)),
    close: () => agent.destroy(),
  };
}

/** As Spring's `defaultZone` has them in the address; they go into a header, never a log. */
function authorizationOf(username: string, password: string): { authorization?: string } {
  if (username === '') return {};
  const credentials = decoded(`${username}:${password}`);
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // A percent sign that stands for itself.
    if (error instanceof URIError) return text;
    throw error;
  }
}

function outcomeOf({ statusCode, responseEntity }: Static<typeof EntryOutcome>): PeerOutcome {
  const checked = responseEntity === undefined ? undefined : checkInstance(responseEntity);
  return { statusCode, newer: checked && 'value' in checked ? checked.value : undefined };
}

/** Java's codecs write one as an object and more as an array. */
const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

function instancesOf(answer: unknown): Registration[] {
  const checked = checkApplications(answer);
  if (!('value' in checked)) throw new PeerFailure('an answer that is no list of applications', false);
  const applications = listOf(checked.value.applications.application).map(checkApplication);
  return applications
    .flatMap((application) => ('value' in application ? listOf(application.value.instance) : []))
    .map(checkInstance)
    .flatMap((instance) => ('value' in instance ? [instance.value] : []));
}
