/** One request to one instance, and the meaning of its outcome for the next attempt. */
import { TaskCancelledError } from 'cockatiel';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { DialForbidden, type DialRules } from '../dial-rules.ts';
import type { Instance } from '../discovery.ts';
import { codeOf } from '../log.ts';

/** A response with any status below 500. */
export interface ServiceResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed JSON; undefined when the response has no body or is not JSON. */
  readonly body: unknown;
  /** The text of a response that is not JSON. */
  readonly text?: string;
}

export interface ServiceRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, encoded, with a leading slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The instance failed; another instance may succeed. */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';
  /** Nothing listens at its address, so the instance is probably gone. */
  readonly unreachable: boolean;

  constructor(reason: string, unreachable = false) {
    super(reason);
    this.unreachable = unreachable;
  }
}

/** The response is unusable, and another instance would not do better. */
export class UnusableResponse extends Error {
  override readonly name = 'UnusableResponse';
}

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const TRY_ANOTHER = new Set([502, 503, 504]);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;

export interface AgentOptions {
  attemptTimeoutMillis: number;
  maxConcurrent: number;
  dialRules: DialRules;
}

/** Keep-alive connections to all instances of a service. */
export function createAgent({ dialRules, ...options }: AgentOptions): Agent {
  const connect = buildConnector({ timeout: options.attemptTimeoutMillis, lookup: dialRules.lookup });
  return new Agent({
    connect(target, callback) {
      // A socket resolves names only, so addresses are checked here.
      if (dialRules.allows(target.hostname)) connect(target, callback);
      else callback(new DialForbidden(), null);
    },
    headersTimeout: options.attemptTimeoutMillis,
    bodyTimeout: options.attemptTimeoutMillis,
    connections: options.maxConcurrent,
    maxResponseSize: MAX_RESPONSE_BYTES,
  });
}

export interface AttemptSignals {
  /** Aborts when this attempt times out. */
  readonly attempt: AbortSignal;
  /** Aborts when the whole call times out or its caller leaves. */
  readonly call: AbortSignal;
}

/**
 * Sends the request and returns the response.
 * @throws AttemptFailure, UnusableResponse, or TaskCancelledError when the whole call is over
 */
export async function sendTo(
  agent: Dispatcher,
  instance: Instance,
  { method, path, headers, body }: ServiceRequest,
  signals: AttemptSignals,
): Promise<ServiceResponse> {
  try {
    const response = await agent.request({
      origin: instance.url,
      path,
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body !== undefined && { body }),
      signal: signals.attempt,
    });
    return await read(response);
  } catch (error) {
    throw meaningOf(error, signals);
  }
}

async function read({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<ServiceResponse> {
  if (statusCode >= 500) {
    await body.dump();
    const reason = `status ${statusCode}`;
    throw TRY_ANOTHER.has(statusCode) ? new AttemptFailure(reason) : new UnusableResponse(reason);
  }
  const text = await body.text();
  const isJson = text !== '' && JSON_TYPE.test(String(headers['content-type'] ?? ''));
  return isJson
    ? { status: statusCode, headers, body: parse(text) }
    : { status: statusCode, headers, body: undefined, text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the response, which may hold personal data.
    throw new UnusableResponse('response is not the JSON that its Content-Type promises');
  }
}

function meaningOf(error: unknown, signals: AttemptSignals): unknown {
  if (error instanceof AttemptFailure || error instanceof UnusableResponse) return error;
  if (signals.call.aborted) return new TaskCancelledError('the call is over');
  if (signals.attempt.aborted) return new AttemptFailure('no response in time');
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG') return error;
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new UnusableResponse('response too large');
  return new AttemptFailure(code, UNREACHABLE.has(code));
}
