/** A typed client of the public API. `schema.ts` is generated from the API document: `npm run generate`. */
import createFetchClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './schema.ts';

export type DaybookClient = Client<paths>;
export type Schemas = components['schemas'];

export interface ClientOptions {
  /** The base URL of the gateway: `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** The access token of the caller, or a function that returns one that has not expired. */
  token?: string | (() => Promise<string>);
  /** The timeout of each request. */
  timeoutMillis?: number;
}

const TIMEOUT_MILLIS = 15_000;

export function createClient({ baseUrl, token, timeoutMillis = TIMEOUT_MILLIS }: ClientOptions): DaybookClient {
  const client = createFetchClient<paths>({
    baseUrl,
    fetch: (request) =>
      fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMillis)]) }),
  });
  if (token !== undefined) {
    client.use({
      async onRequest({ request }) {
        request.headers.set('authorization', `Bearer ${typeof token === 'string' ? token : await token()}`);
      },
    });
  }
  return client;
}

/** A request that was rejected; `code` is the stable problem code. */
export class CallRefused extends Error {
  readonly status: number;
  readonly problem: Schemas['Problem'];

  constructor(status: number, problem: Schemas['Problem']) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = 'CallRefused';
    this.status = status;
    this.problem = problem;
  }
}

/**
 * Returns the data of a response.
 * @throws CallRefused when the response is a refusal
 */
export function expectData<Data>(result: { data?: Data; error?: unknown; response: Response }): Data {
  const { data, error, response } = result;
  if (isProblem(error)) throw new CallRefused(response.status, error);
  if (data === undefined) throw new Error(`response without data, status ${response.status}`);
  return data;
}

const isProblem = (error: unknown): error is Schemas['Problem'] =>
  typeof error === 'object' && error !== null && 'code' in error && 'status' in error;
