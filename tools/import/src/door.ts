/** The way to the API: few requests at once, a pause and another try when it is busy, one clear word when it is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CallRefused, createClient, type DaybookClient, expectData } from '@daybook/client';
import { createLimiter } from './concurrency.ts';
import { EXIT, ImportFailure } from './import-failure.ts';

const IN_FLIGHT = 8;
const MAX_TRIES = 5;
const FIRST_PAUSE_MILLIS = 250;
const MAX_PAUSE_MILLIS = 30_000;
/** Of 100 each. More is not a list of one patient or one name. */
const MAX_PAGES = 1000;

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

type CallPage<Item> = (cursor: { cursor?: string }) => Promise<Answer<{ items: Item[]; nextCursor?: string }>>;

export interface Given<Data> {
  readonly data: Data;
  /** An earlier run, or another one at the same time, asked the same and got this answer. */
  readonly wasGivenBefore: boolean;
  /** The response was kept from an earlier attempt, of this run or another one: what it describes may have changed since. */
  readonly isReplay: boolean;
  readonly etag: string | undefined;
}

export interface Door {
  readonly client: DaybookClient;
  /**
   * Every call may be repeated: a POST must carry an Idempotency-Key.
   * @throws CallRefused
   * @throws ImportFailure 69 when nothing answers, or something else than a Daybook
   */
  ask<Data>(call: () => Promise<Answer<Data>>): Promise<Given<Data>>;
  /** All items of a list. @throws as `ask` */
  list<Item>(callPage: CallPage<Item>): Promise<Item[]>;
}

export interface DoorOptions {
  url: string;
  /** For tests. */
  pause?: (millis: number) => Promise<unknown>;
}

export function createDoor({ url, pause = sleep }: DoorOptions): Door {
  const limited = createLimiter(IN_FLIGHT);

  async function attempt<Data>(call: () => Promise<Answer<Data>>): Promise<Answer<Data>> {
    try {
      return await call();
    } catch (error) {
      throw new ImportFailure(EXIT.unavailable, `No Daybook answers at ${url} (${wordFor(error)}).`, { cause: error });
    }
  }

  function read<Data>(answer: Answer<Data>): Data {
    try {
      return expectData(answer);
    } catch (error) {
      if (error instanceof CallRefused) throw error;
      const message = `What answers at ${url} is not a Daybook (status ${answer.response.status}).`;
      throw new ImportFailure(EXIT.unavailable, message, { cause: error });
    }
  }

  async function persist<Data>(call: () => Promise<Answer<Data>>): Promise<Given<Data>> {
    for (let tries = 1; ; tries += 1) {
      const answer = await attempt(call);
      const { headers } = answer.response;
      const isReplay = headers.get('idempotency-replayed') === 'true';
      try {
        return {
          data: read(answer),
          isReplay,
          // After a try of our own that got lost, the answer that is replayed is to us.
          wasGivenBefore: tries === 1 && isReplay,
          etag: headers.get('etag') ?? undefined,
        };
      } catch (error) {
        if (!(error instanceof CallRefused) || !isPassing(error) || tries >= MAX_TRIES) throw error;
      }
      await pause(pauseMillis(headers.get('retry-after'), tries));
    }
  }

  const ask: Door['ask'] = (call) => limited(() => persist(call));

  return {
    client: createClient({ baseUrl: url }),
    ask,
    async list<Item>(callPage: CallPage<Item>) {
      const items: Item[] = [];
      let cursor: string | undefined;
      for (let pages = 0; pages < MAX_PAGES; pages += 1) {
        const { data } = await ask(() => callPage(cursor === undefined ? {} : { cursor }));
        if (!Array.isArray(data.items)) {
          throw new ImportFailure(EXIT.unavailable, `What answers at ${url} is not a Daybook.`);
        }
        items.push(...data.items);
        cursor = data.nextCursor;
        if (cursor === undefined) return items;
      }
      throw new ImportFailure(EXIT.unavailable, `A list of the Daybook at ${url} does not end.`);
    },
  };
}

const isPassing = ({ status, problem }: CallRefused): boolean =>
  [429, 503, 504].includes(status) || problem.code === 'idempotency-key-in-use';

function pauseMillis(retryAfter: string | null, tries: number): number {
  const asked =
    retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : FIRST_PAUSE_MILLIS * 2 ** (tries - 1);
  return Math.min(asked, MAX_PAUSE_MILLIS);
}

/** `fetch` says what happened in the cause of its error. */
function wordFor(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error.name;
}
