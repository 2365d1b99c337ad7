/** Keeps the registry told of this process: registers it, renews its lease, says how it is, takes it out again. */
import { type LocalInstance, type LocalStatus, toEurekaDocument } from './eureka-instance.ts';
import { codeOf, type Log } from './log.ts';
import { createLoop } from './loop.ts';
import { createOutageLog } from './outage-log.ts';
import type { RegistryAnswer, RegistryConnection } from './registry-connection.ts';
import type { Timers } from './timers.ts';

export interface Registration {
  register(instance: LocalInstance): Promise<void>;
  setStatus(status: LocalStatus): Promise<void>;
  /** Whether the registry has taken this process as it is now. */
  isTaken(): boolean;
  /** Asks in the background whether the registry still knows this process, if it ever registered. */
  renewSoon(): void;
  /** Says DOWN and leaves, if it had registered; gives up when the deadline passes. */
  leave(deadline: AbortSignal): Promise<void>;
}

export interface RegistrationOptions {
  connection: RegistryConnection;
  logger: Log;
  renewalIntervalMillis: number;
  timers: Timers;
}

export function createRegistration({
  connection,
  logger,
  renewalIntervalMillis,
  timers,
}: RegistrationOptions): Registration {
  let local: LocalInstance | undefined;
  let status: LocalStatus = 'UP';
  let lastDirtyTimestamp = 0;
  /** Of what the registry took last, and still has. */
  let takenTimestamp = 0;
  /** How far our clock goes before the registry's, once that has rejected a timestamp in the future. */
  let leadMillis = 0;
  /** Whether the registry has taken the document as it is now. */
  let told = false;
  const leaving = new AbortController();
  const loop = createLoop({ run, intervalMillis: renewalIntervalMillis, timers });
  const outage = createOutageLog(logger, {
    gone: 'the registry does not take this instance; it is tried again in the background',
    back: 'the registry knows this instance',
  });

  function touch(): void {
    lastDirtyTimestamp = Math.max(nowMillis() - leadMillis, lastDirtyTimestamp + 1);
    told = false;
  }

  /** Dates the document by the clock of the registry, if ours goes before it. */
  function isDatedBack(dateMillis: number | undefined): boolean {
    if (dateMillis === undefined || lastDirtyTimestamp - dateMillis < FEWEST_AHEAD_MILLIS) return false;
    leadMillis = Math.max(0, nowMillis() - dateMillis);
    lastDirtyTimestamp = Math.max(dateMillis, takenTimestamp + 1);
    told = false;
    return true;
  }

  function post(instance: LocalInstance, signal: AbortSignal, accepts: number[]): Promise<RegistryAnswer> {
    const body = toEurekaDocument(instance, { status, lastDirtyTimestamp, renewalIntervalMillis });
    return connection.call({ method: 'POST', path: `apps/${appOf(instance)}`, body, accepts, signal });
  }

  async function tell(instance: LocalInstance, signal: AbortSignal): Promise<void> {
    let sent = lastDirtyTimestamp;
    // A registry rejects with 400 what is dated in its future.
    const answer = await post(instance, signal, [204, 400]);
    if (answer.status === 400) {
      if (!isDatedBack(answer.dateMillis)) throw new Error('the registry rejects this instance with status 400');
      sent = lastDirtyTimestamp;
      await post(instance, signal, [204]);
    }
    takenTimestamp = sent;
    told = sent === lastDirtyTimestamp;
  }

  async function renew(instance: LocalInstance, signal: AbortSignal): Promise<void> {
    const path = `${pathOf(instance)}?status=${status}&lastDirtyTimestamp=${lastDirtyTimestamp}`;
    const answer = await connection.call({ method: 'PUT', path, accepts: [200, 400, 404], signal });
    if (answer.status === 200) return;
    // A registry that has lost the instance may be another one, with a clock behind what the one before it took.
    if (answer.status === 404) takenTimestamp = 0;
    touch();
    await tell(instance, signal);
  }

  async function run(): Promise<boolean> {
    if (!local) return true;
    try {
      await (told ? renew(local, leaving.signal) : tell(local, leaving.signal));
    } catch (error) {
      if (!leaving.signal.aborted) outage.failed(error instanceof Error ? error.message : codeOf(error));
      return false;
    }
    outage.worked();
    return true;
  }

  async function sayDownAndLeave(instance: LocalInstance, deadline: AbortSignal): Promise<void> {
    if (status !== 'DOWN' || !told) {
      status = 'DOWN';
      touch();
      await tell(instance, deadline);
    }
    await connection.call({ method: 'DELETE', path: pathOf(instance), accepts: [200, 404], signal: deadline });
  }

  return {
    async register(instance) {
      if (local) throw new Error('This client has registered its instance already.');
      local = instance;
      status = instance.status ?? 'UP';
      touch();
      await loop.runNow();
    },

    async setStatus(next) {
      if (!local) throw new Error('Register before a status is set.');
      status = next;
      touch();
      await loop.runNow();
    },

    isTaken: () => told,

    renewSoon() {
      if (local) void loop.runNow();
    },

    async leave(deadline) {
      leaving.abort();
      await loop.stop();
      if (!local) return;
      try {
        await sayDownAndLeave(local, deadline);
      } catch (error) {
        const reason = error instanceof Error ? error.message : codeOf(error);
        logger.warn({ reason }, 'could not leave the registry; the lease will end by itself');
      }
    },
  };
}

/** Less is not why a registry rejects a document. */
const FEWEST_AHEAD_MILLIS = 30_000;

const nowMillis = (): number => Temporal.Now.instant().epochMilliseconds;

const appOf = (instance: LocalInstance): string => encodeURIComponent(instance.serviceId.toUpperCase());

const pathOf = (instance: LocalInstance): string =>
  `apps/${appOf(instance)}/${encodeURIComponent(instance.instanceId)}`;
