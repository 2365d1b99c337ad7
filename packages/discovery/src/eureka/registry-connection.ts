/** HTTP to the registry's servers. The first server with an acceptable response gets all later requests. */
import { Agent, type Dispatcher } from 'undici';
import { codeOf } from '../log.ts';
import { InvalidJson, parseJson } from './shallow-json.ts';

export interface RegistryCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base URL, without a leading slash: `apps/PATIENT-SERVICE`. */
  readonly path: string;
  readonly body?: unknown;
  /** The accepted statuses. With any other status the next server is tried. */
  readonly accepts: readonly number[];
  /** Checks the JSON of a GET with status 200. If it returns false, the next server is tried. */
  readonly check?: (body: unknown) => boolean;
  readonly signal?: AbortSignal;
}

export interface RegistryResponse {
  /** The server that responded; related requests must go to it. */
  readonly server: string;
  readonly status: number;
  /** The server's clock, in milliseconds since 1970; undefined without a `Date` header. */
  readonly dateMillis: number | undefined;
  /** The JSON of a GET with status 200; otherwise undefined. */
  readonly body: unknown;
}

export interface RegistryConnection {
  /**
   * Sends a request to the servers in order.
   * @throws RegistryUnavailable when no server responds with an accepted status
   */
  call(call: RegistryCall): Promise<RegistryResponse>;
  /** Returns the events of one server; undefined when it has no stream. Throws when the stream is unavailable now. */
  openStream(server: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  close(): Promise<void>;
}

/** No server of the registry gave a usable response. The message names servers and statuses, but no bodies. */
export class RegistryUnavailable extends Error {
  override readonly name = 'RegistryUnavailable';
  /** Whether a server responded, but unusably. */
  readonly hasResponded: boolean;

  constructor(message: string, hasResponded: boolean) {
    super(message);
    this.hasResponded = hasResponded;
  }
}

/** An unusable response of one server. */
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
  // A stream has no end and no size limit. Its reader limits the silence.
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
      if (!server) throw new Error('That is not a server of this registry.');
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

/** Returns whether a server may have a stream later, because it is starting or has too many readers now. */
const mayStreamLater = ({ statusCode }: Dispatcher.ResponseData): boolean => statusCode >= 500 || statusCode === 429;

const isEventStream = ({ statusCode, headers }: Dispatcher.ResponseData): boolean =>
  statusCode === 200 && /^text\/event-stream\b/i.test(String(headers['content-type'] ?? ''));

/** Returns whether a text can be the base URL of a registry's server. */
export const isServerUrl = (text: string): boolean => readServer(text) !== undefined;

function serverOf(url: string, index: number): Server {
  const server = readServer(url);
  // Leaves out the address, which may hold a password.
  if (!server) throw new Error(`Registry server ${index + 1} is not an HTTP URL.`);
  return server;
}

/**
 * Parses a base URL. It may hold a user and a password, as Spring's `defaultZone` does; they go into a header, never a
 * log.
 */
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
