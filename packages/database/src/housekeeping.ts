/** Rows that have served are deleted in small steps, so that no table grows for ever and no writer waits long. */
import type { Database } from './database.ts';
import { oldestRetained } from './idempotency.ts';

const EVERY_MILLIS = 10 * 60 * 1000;
const ROWS_A_STEP = 500;
/** A redelivery later than this would have its effect twice; brokers redeliver within minutes. */
const INBOX_DAYS = 30;

/** As many as one statement names. */
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
        // Again: somebody may have used a key anew since.
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

/** Does one step of clearing old rows. Returns how many went or were looked at: with 0 nothing more is to be done now. */
export type Sweep = () => Promise<number>;

/** Deletes one step of each kind that every service has. Returns how many rows went. */
export async function sweep(database: Database): Promise<number> {
  return (await sweepKeys(database)) + (await sweepInbox(database));
}

export interface Housekeeping {
  /** Resolves when the step at hand is done. */
  close(): Promise<void>;
}

/**
 * Sweeps all that is due now and then until it is closed: what every service has, and what is of this one only. `onFailure`
 * hears of a sweep that could not be done; the next one tries again.
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
