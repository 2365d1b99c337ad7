/** Calls the API with few concurrent requests, retries while it is busy, and one clear error when it is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis, Semaphore } from '@daybook/async';
import { CallRefused, createClient, type DaybookClient, expectData } from '@daybook/client';
import { StartFailure } from '@daybook/service';
import { EXIT } from '@daybook/service/exit-codes';
import { ImportFailure } from './import-failure.ts';

const MAX_CONCURRENT_REQUESTS = 8;
const MAX_ATTEMPTS = 5;
const LONGEST_DELAY_MILLIS = 30_000;
const RETRY = { firstMillis: 250, longestMillis: LONGEST_DELAY_MILLIS, leastShare: 1 };
/** Pages of 100 items. A list of one patient or one name is never longer. */
const MAX_PAGES = 1000;

interface FetchResult<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

type FetchPage<Item> = (cursor: { cursor?: string }) => Promise<FetchResult<{ items: Item[]; nextCursor?: string }>>;

export interface ApiResponse<Data> {
  readonly data: Data;
  /** Whether an earlier or concurrent run sent the same request and received this response. */
  readonly wasReplayed: boolean;
  /** Whether the response is stored from an earlier attempt of any run. Its content may have changed since. */
  readonly isReplay: boolean;
  readonly etag: string | undefined;
}

export interface Api {
  readonly client: DaybookClient;
  /**
   * Sends a request, and repeats it when necessary, so a POST must carry an Idempotency-Key.
   * @throws CallRefused
   * @throws ImportFailure 69 when no server responds, or one that is not a Daybook
   */
  send<Data>(call: () => Promise<FetchResult<Data>>): Promise<ApiResponse<Data>>;
  /**
   * Returns all items of a list.
   * @throws as `send`
   */
  list<Item>(fetchPage: FetchPage<Item>): Promise<Item[]>;
}

export interface ApiOptions {
  url: string;
  /** Returns the access token of an administrator. */
  token: () => Promise<string>;
  /** For tests. */
  wait?: (millis: number) => Promise<unknown>;
}

export function createApi({ url, token, wait = sleep }: ApiOptions): Api {
  const semaphore = new Semaphore(MAX_CONCURRENT_REQUESTS);

  async function attempt<Data>(call: () => Promise<FetchResult<Data>>): Promise<FetchResult<Data>> {
    try {
      return await call();
    } catch (error) {
      // There is no token to send.
      if (error instanceof StartFailure) throw error;
      throw new ImportFailure(EXIT.unavailable, `No Daybook responds at ${url} (${errorCodeOf(error)}).`, {
        cause: error,
      });
    }
  }

  function read<Data>(result: FetchResult<Data>): Data {
    try {
      return expectData(result);
    } catch (error) {
      if (error instanceof CallRefused) throw error;
      const message = `The server at ${url} is not a Daybook (status ${result.response.status}).`;
      throw new ImportFailure(EXIT.unavailable, message, { cause: error });
    }
  }

  async function sendWithRetries<Data>(call: () => Promise<FetchResult<Data>>): Promise<ApiResponse<Data>> {
    for (let attempts = 1; ; attempts += 1) {
      const result = await attempt(call);
      const { headers } = result.response;
      const isReplay = headers.get('idempotency-replayed') === 'true';
      try {
        return {
          data: read(result),
          isReplay,
          // A replay after a lost attempt of this run is this run's own response.
          wasReplayed: attempts === 1 && isReplay,
          etag: headers.get('etag') ?? undefined,
        };
      } catch (error) {
        if (!(error instanceof CallRefused) || !isTransient(error) || attempts >= MAX_ATTEMPTS) throw error;
      }
      await wait(delayMillis(headers.get('retry-after'), attempts));
    }
  }

  const send: Api['send'] = (call) => semaphore.run(() => sendWithRetries(call));

  return {
    client: createClient({ baseUrl: url, token }),
    send,
    async list<Item>(fetchPage: FetchPage<Item>) {
      const items: Item[] = [];
      let cursor: string | undefined;
      for (let pages = 0; pages < MAX_PAGES; pages += 1) {
        const { data } = await send(() => fetchPage(cursor === undefined ? {} : { cursor }));
        if (!Array.isArray(data.items)) {
          throw new ImportFailure(EXIT.unavailable, `The server at ${url} is not a Daybook.`);
        }
        items.push(...data.items);
        cursor = data.nextCursor;
        if (cursor === undefined) return items;
      }
      throw new ImportFailure(EXIT.unavailable, `A list of the Daybook at ${url} does not end.`);
    },
  };
}

const isTransient = ({ status, problem }: CallRefused): boolean =>
  [429, 503, 504].includes(status) || problem.code === 'idempotency-key-in-use';

function delayMillis(retryAfter: string | null, attempts: number): number {
  if (retryAfter === null || !/^\d+$/.test(retryAfter)) return backoffMillis(attempts, RETRY);
  return Math.min(Number(retryAfter) * 1000, LONGEST_DELAY_MILLIS);
}

/** Returns the code of an error. `fetch` puts it into the cause. */
function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error.name;
}
