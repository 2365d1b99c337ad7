/** Keeps this process registered: registers it, renews its lease, updates its status, deregisters it. */

import { createLoop, type Timers } from '@daybook/async';
import { codeOf, type Log } from '../log.ts';
import { createOutageLog } from '../outage-log.ts';
import { type LocalInstance, type LocalStatus, toEurekaDocument } from './eureka-instance.ts';
import type { RegistryConnection, RegistryResponse } from './registry-connection.ts';

export interface Registration {
  register(instance: LocalInstance): Promise<void>;
  setStatus(status: LocalStatus): Promise<void>;
  /** Returns whether the registry has accepted this process in its current state. */
  isCurrent(): boolean;
  /** Checks in the background whether the registry still knows this process, if it ever registered. */
  renewSoon(): void;
  /** Sends DOWN and deregisters, if it had registered. Gives up at the deadline. */
  deregister(deadline: AbortSignal): Promise<void>;
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
  /** The timestamp of the last document that the registry accepted and still has. */
  let acceptedTimestamp = 0;
  /** How far our clock is ahead of the registry's, after it rejected a timestamp in the future. */
  let leadMillis = 0;
  /** Whether the registry has accepted the current document. */
  let isSent = false;
  const closing = new AbortController();
  const loop = createLoop({ run, intervalMillis: renewalIntervalMillis, timers });
  const outage = createOutageLog(logger, {
    lost: 'registration failed; retried in the background',
    restored: 'registration restored',
  });

  function touch(): void {
    lastDirtyTimestamp = Math.max(nowMillis() - leadMillis, lastDirtyTimestamp + 1);
    isSent = false;
  }

  /** Backdates the document to the registry's clock, if ours is ahead. Returns whether it did. */
  function isDatedBack(dateMillis: number | undefined): boolean {
    if (dateMillis === undefined || lastDirtyTimestamp - dateMillis < FEWEST_AHEAD_MILLIS) return false;
    leadMillis = Math.max(0, nowMillis() - dateMillis);
    lastDirtyTimestamp = Math.max(dateMillis, acceptedTimestamp + 1);
    isSent = false;
    return true;
  }

  function post(instance: LocalInstance, signal: AbortSignal, accepts: number[]): Promise<RegistryResponse> {
    const body = toEurekaDocument(instance, { status, lastDirtyTimestamp, renewalIntervalMillis });
    return connection.call({ method: 'POST', path: `apps/${appOf(instance)}`, body, accepts, signal });
  }

  async function send(instance: LocalInstance, signal: AbortSignal): Promise<void> {
    let sent = lastDirtyTimestamp;
    // A registry rejects a timestamp in its future with 400.
    const response = await post(instance, signal, [204, 400]);
    if (response.status === 400) {
      if (!isDatedBack(response.dateMillis)) throw new Error('the registry rejects this instance with status 400');
      sent = lastDirtyTimestamp;
      await post(instance, signal, [204]);
    }
    acceptedTimestamp = sent;
    isSent = sent === lastDirtyTimestamp;
  }

  async function renew(instance: LocalInstance, signal: AbortSignal): Promise<void> {
    const path = `${pathOf(instance)}?status=${status}&lastDirtyTimestamp=${lastDirtyTimestamp}`;
    const response = await connection.call({ method: 'PUT', path, accepts: [200, 400, 404], signal });
    if (response.status === 200) return;
    // A registry that lost the instance may be a different one, whose clock is behind the accepted timestamp.
    if (response.status === 404) acceptedTimestamp = 0;
    touch();
    await send(instance, signal);
  }

  async function run(): Promise<boolean> {
    if (!local) return true;
    try {
      await (isSent ? renew(local, closing.signal) : send(local, closing.signal));
    } catch (error) {
      if (!closing.signal.aborted) outage.failed(error instanceof Error ? error.message : codeOf(error));
      return false;
    }
    outage.recovered();
    return true;
  }

  async function sendDownAndDelete(instance: LocalInstance, deadline: AbortSignal): Promise<void> {
    if (status !== 'DOWN' || !isSent) {
      status = 'DOWN';
      touch();
      await send(instance, deadline);
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

    isCurrent: () => isSent,

    renewSoon() {
      if (local) void loop.runNow();
    },

    async deregister(deadline) {
      closing.abort();
      await loop.stop();
      if (!local) return;
      try {
        await sendDownAndDelete(local, deadline);
      } catch (error) {
        const reason = error instanceof Error ? error.message : codeOf(error);
        logger.warn({ reason }, 'deregistration failed; lease left to expire');
      }
    },
  };
}

/** A registry does not reject a document for a smaller difference. */
const FEWEST_AHEAD_MILLIS = 30_000;

const nowMillis = (): number => Temporal.Now.instant().epochMilliseconds;

const appOf = (instance: LocalInstance): string => encodeURIComponent(instance.serviceId.toUpperCase());

const pathOf = (instance: LocalInstance): string =>
  `apps/${appOf(instance)}/${encodeURIComponent(instance.instanceId)}`;
