/** HTTP to the registry's servers: the first that answers as it should is the one asked from then on. */
import { Agent } from 'undici';
import { codeOf } from './log.ts';

export interface RegistryCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base URL, without a leading slash: `apps/PATIENT-SERVICE`. */
  readonly path: string;
  readonly body?: unknown;
  /** The statuses that are answers. With any other the next server is asked. */
  readonly accepts: readonly number[];
  readonly signal?: AbortSignal;
}

export interface RegistryAnswer {
  readonly status: number;
  /** The JSON of a GET that was answered with 200; undefined for all else. */
  readonly body: unknown;
}

export interface RegistryConnection {
  /** Throws RegistryUnavailable when no server answers with an accepted status. */
  call(call: RegistryCall): Promise<RegistryAnswer>;
  close(): Promise<void>;
}

/** No server of the registry gave an answer that can be used. The message names servers and statuses, no bodies. */
export class RegistryUnavailable extends Error {
  override readonly name = 'RegistryUnavailable';
}

interface Server {
  readonly origin: string;
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** About ten thousand instances. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export function createRegistryConnection(urls: readonly string[], requestTimeoutMillis: number): RegistryConnection {
  const servers = urls.map(serverOf);
  if (servers.length === 0) throw new Error('At least one server of the registry is needed.');
  const agent = new Agent({
    connect: { timeout: requestTimeoutMillis },
    headersTimeout: requestTimeoutMillis,
    bodyTimeout: requestTimeoutMillis,
    maxResponseSize: MAX_ANSWER_BYTES,
  });

  async function ask(server: Server, { method, path, body, accepts, signal }: RegistryCall): Promise<RegistryAnswer> {
    const timeout = AbortSignal.timeout(requestTimeoutMillis);
    const response = await agent.request({
      origin: server.origin,
      path: `${server.basePath}/${path}`,
      method,
      headers: {
        ...server.headers,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const status = response.statusCode;
    if (method === 'GET' && status === 200) return { status, body: await response.body.json() };
    await response.body.dump();
    if (!accepts.includes(status)) throw new RegistryUnavailable(`status ${status}`);
    return { status, body: undefined };
  }

  function preferFrom(server: Server): void {
    if (servers[0] === server) return;
    servers.splice(servers.indexOf(server), 1);
    servers.unshift(server);
  }

  return {
    async call(call) {
      const failures: string[] = [];
      for (const server of [...servers]) {
        if (call.signal?.aborted) break;
        try {
          const answer = await ask(server, call);
          preferFrom(server);
          return answer;
        } catch (error) {
          const reason = error instanceof RegistryUnavailable ? error.message : codeOf(error);
          failures.push(`${server.origin}: ${reason}`);
        }
      }
      throw new RegistryUnavailable(failures.join(', ') || 'stopped');
    },
    close: () => agent.destroy(),
  };
}

/** Whether this can be the base URL of a registry's server. */
export const isServerUrl = (text: string): boolean => readServer(text) !== undefined;

function serverOf(url: string, index: number): Server {
  const server = readServer(url);
  // Without the address, which may hold a password.
  if (!server) throw new Error(`Registry server ${index + 1} is not an HTTP URL.`);
  return server;
}

/** A base URL may carry a user and a password, as Spring's `defaultZone` does; they go into a header, never a log. */
function readServer(url: string): Server | undefined {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return undefined;
  const { username } = parsed;
  const credentials = decoded(`${username}:${parsed.password}`);
  if (credentials === undefined) return undefined;
  return {
    origin: parsed.origin,
    basePath: parsed.pathname.replace(/\/+$/, ''),
    headers: username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
