/** Deletes obsolete rows in small steps, so that tables stay small and writers do not wait long. */
import type { Database } from './database.ts';
import { oldestRetained } from './idempotency.ts';

const EVERY_MILLIS = 10 * 60 * 1000;
const ROWS_A_STEP = 500;
/** A later redelivery would repeat its effect; brokers redeliver within minutes. */
const INBOX_DAYS = 30;

/** The most rows in one statement. */
const ROWS_A_STATEMENT = 100;

const inChunks = <Row>(rows: readonly Row[]): Row[][] =>
  Array.from({ length: Math.ceil(rows.length / ROWS_A_STATEMENT) }, (_, piece) =>
    rows.slice(piece * ROWS_A_STATEMENT, (piece + 1) * ROWS_A_STATEMENT),
  );

async function sweepKeys(database: Database): Promise<number> {
  const before = oldestRetained();
  return database.write(async (transaction) => {
    const due = await transaction
      .selectFrom('idempotency_keys')
      .select(['caller_id', 'key'])
      .where('created_at', '<=', before)
      .limit(ROWS_A_STEP)
      .execute();
    for (const rows of inChunks(due)) {
      await transaction
        .deleteFrom('idempotency_keys')
        // Checks the age again, because a request may have reused a key since.
        .where('created_at', '<=', before)
        .where((where) =>
          where.or(
            rows.map(({ caller_id, key }) => where.and([where('caller_id', '=', caller_id), where('key', '=', key)])),
          ),
        )
        .execute();
    }
    return due.length;
  });
}

async function sweepInbox(database: Database): Promise<number> {
  const before = Temporal.Now.instant().subtract({ hours: 24 * INBOX_DAYS }).epochMilliseconds;
  return database.write(async (transaction) => {
    const due = await transaction
      .selectFrom('inbox')
      .select(['consumer', 'event_id'])
      .where('handled_at', '<=', before)
      .limit(ROWS_A_STEP)
      .execute();
    for (const rows of inChunks(due)) {
      await transaction
        .deleteFrom('inbox')
        .where('handled_at', '<=', before)
        .where((where) =>
          where.or(
            rows.map(({ consumer, event_id }) =>
              where.and([where('consumer', '=', consumer), where('event_id', '=', event_id)]),
            ),
          ),
        )
        .execute();
    }
    return due.length;
  });
}

/** Does one step of deleting old rows. Returns how many rows it deleted or read; 0 means that nothing is left to do. */
export type Sweep = () => Promise<number>;

/** Deletes one step of each kind of row that every service has. Returns how many rows it deleted. */
export async function sweep(database: Database): Promise<number> {
  return (await sweepKeys(database)) + (await sweepInbox(database));
}

export interface Housekeeping {
  /** Resolves when the step in progress is done. */
  close(): Promise<void>;
}

/**
 * Sweeps periodically until closed: the shared tables and this service's own rows. `onFailure` receives each failed
 * sweep; the next sweep tries again.
 */
export function startHousekeeping(
  database: Database,
  onFailure: (error: unknown) => void,
  own: readonly Sweep[] = [],
): Housekeeping {
  const sweeps: readonly Sweep[] = [() => sweep(database), ...own];
  let closed = false;
  let sweeping: Promise<void> | undefined;

  async function sweepAll(): Promise<void> {
    try {
      for (const step of sweeps) while (!closed && (await step()) > 0);
    } catch (error) {
      onFailure(error);
    }
    sweeping = undefined;
  }

  const timer = setInterval(() => {
    sweeping ??= sweepAll();
  }, EVERY_MILLIS);
  timer.unref();
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}
