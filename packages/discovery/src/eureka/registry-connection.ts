/** HTTP to the registry's servers: the first that answers as it should is the one asked from then on. */
import { Agent, type Dispatcher } from 'undici';
import { codeOf } from '../log.ts';
import { InvalidJson, parseJson } from './shallow-json.ts';

export interface RegistryCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base URL, without a leading slash: `apps/PATIENT-SERVICE`. */
  readonly path: string;
  readonly body?: unknown;
  /** The statuses that are answers. With any other the next server is asked. */
  readonly accepts: readonly number[];
  /** Whether the JSON of a GET that was answered with 200 is an answer. If not the next server is asked. */
  readonly check?: (body: unknown) => boolean;
  readonly signal?: AbortSignal;
}

export interface RegistryResponse {
  /** Whose answer it is: where to ask for what belongs to it. */
  readonly server: string;
  readonly status: number;
  /** The server's clock, in milliseconds since 1970; undefined when it says no time. */
  readonly dateMillis: number | undefined;
  /** The JSON of a GET that was answered with 200; undefined for all else. */
  readonly body: unknown;
}

export interface RegistryConnection {
  /** Throws RegistryUnavailable when no server answers with an accepted status. */
  call(call: RegistryCall): Promise<RegistryResponse>;
  /** The events of one server; undefined when it has none to tell. Throws when it cannot say now. */
  openStream(server: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  close(): Promise<void>;
}

/** No server of the registry gave an answer that can be used. The message names servers and statuses, no bodies. */
export class RegistryUnavailable extends Error {
  override readonly name = 'RegistryUnavailable';
  /** Somebody was there and gave an answer of no use. */
  readonly hasResponded: boolean;

  constructor(message: string, hasResponded: boolean) {
    super(message);
    this.hasResponded = hasResponded;
  }
}

/** One server's answer that is of no use. */
class UnusableResponse extends Error {
  override readonly name = 'UnusableResponse';
}

interface Server {
  readonly name: string;
  readonly origin: string;
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** About ten thousand instances. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

export function createRegistryConnection(urls: readonly string[], requestTimeoutMillis: number): RegistryConnection {
  const servers = urls.map(serverOf);
  if (servers.length === 0) throw new Error('At least one server of the registry is needed.');
  const limits = { connect: { timeout: requestTimeoutMillis }, headersTimeout: requestTimeoutMillis };
  const agent = new Agent({ ...limits, bodyTimeout: requestTimeoutMillis, maxResponseSize: MAX_RESPONSE_BYTES });
  // A stream has no end and no size; whoever reads it decides how long it may be silent.
  const streams = new Agent({ ...limits, bodyTimeout: 0 });

  async function send(server: Server, call: RegistryCall): Promise<RegistryResponse> {
    const { method, path, body, accepts, check = () => true, signal } = call;
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
    const dateMillis = dateIn(response);
    if (method === 'GET' && status === 200) {
      const document = await read(response);
      if (!check(document)) throw new UnusableResponse('response to another request');
      return { server: server.name, status, dateMillis, body: document };
    }
    await response.body.dump();
    if (!accepts.includes(status)) throw new UnusableResponse(`status ${status}`);
    return { server: server.name, status, dateMillis, body: undefined };
  }

  function preferFrom(server: Server): void {
    if (servers[0] === server) return;
    servers.splice(servers.indexOf(server), 1);
    servers.unshift(server);
  }

  return {
    async call(call) {
      const failures: string[] = [];
      let hasResponded = false;
      for (const server of [...servers]) {
        if (call.signal?.aborted) break;
        try {
          const response = await send(server, call);
          preferFrom(server);
          return response;
        } catch (error) {
          hasResponded ||= error instanceof UnusableResponse;
          failures.push(`${server.origin}: ${error instanceof UnusableResponse ? error.message : codeOf(error)}`);
        }
      }
      throw new RegistryUnavailable(failures.join(', ') || 'stopped', hasResponded);
    },

    async openStream(name, signal) {
      const server = servers.find((one) => one.name === name);
      if (!server) throw new Error('That is no server of this registry.');
      const response = await streams.request({
        origin: server.origin,
        path: `${server.basePath}/stream`,
        method: 'GET',
        headers: { ...server.headers, accept: 'text/event-stream' },
        signal,
      });
      if (isEventStream(response)) return response.body;
      await response.body.dump();
      if (mayStreamLater(response)) throw new UnusableResponse(`status ${response.statusCode}`);
      return undefined;
    },

    async close() {
      await Promise.all([agent.destroy(), streams.destroy()]);
    },
  };
}

async function read({ body }: Dispatcher.ResponseData): Promise<unknown> {
  try {
    return parseJson(await body.text());
  } catch (error) {
    if (error instanceof InvalidJson) throw new UnusableResponse(error.message);
    if (codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw new UnusableResponse('response too large');
    throw error;
  }
}

function dateIn({ headers: { date } }: Dispatcher.ResponseData): number | undefined {
  const millis = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(millis) ? undefined : millis;
}

/** Rather than that it has none: it is starting, or has too many readers. */
const mayStreamLater = ({ statusCode }: Dispatcher.ResponseData): boolean => statusCode >= 500 || statusCode === 429;

const isEventStream = ({ statusCode, headers }: Dispatcher.ResponseData): boolean =>
  statusCode === 200 && /^text\/event-stream\b/i.test(String(headers['content-type'] ?? ''));

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
  const basePath = parsed.pathname.replace(/\/+$/, '');
  return {
    name: `${parsed.origin}${basePath}`,
    origin: parsed.origin,
    basePath,
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
