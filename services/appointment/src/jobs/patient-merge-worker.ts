/** Moves the appointments of merged records in the background, a bounded number in each transaction. */

import { createLoop } from '@daybook/async';
import type { Caller } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';
import type { Logger } from '@daybook/service';
import type { PatientMergeStore } from '../store/patient-merges.ts';

/** Poll interval for events that another process handled. Events of this process wake the worker immediately. */
const INTERVAL_MILLIS = 1_000;

const CALLER: Caller = { id: 'appointment-service', role: 'service' };

export interface PatientMergeWorker {
  /** Runs immediately, because something is due. */
  wake(): void;
  /** Resolves when the current transaction is done. What is due then waits for the next start. */
  close(): Promise<void>;
}

const errorFields = (error: unknown) =>
  error instanceof DatabaseUnavailable ? { reason: error.message } : { err: error };

/**
 * Starts the worker.
 * A record that fails is retried with growing pauses, and does not block the others.
 */
export function startPatientMergeWorker(store: PatientMergeStore, logger: Logger): PatientMergeWorker {
  const closing = new AbortController();

  async function moveAppointments(patientId: string): Promise<void> {
    try {
      while (!closing.signal.aborted && (await store.moveBatch(CALLER, patientId)));
    } catch (error) {
      logger.warn({ ...errorFields(error), patientId }, 'appointments of a merged patient not moved yet');
      await store.postpone(CALLER, patientId);
    }
  }

  async function moveAllDue(): Promise<void> {
    while (!closing.signal.aborted) {
      const patientId = await store.next(CALLER);
      if (patientId === undefined) return;
      await moveAppointments(patientId);
    }
  }

  let failing = false;
  const loop = createLoop({
    intervalMillis: INTERVAL_MILLIS,
    async run() {
      try {
        await moveAllDue();
        failing = false;
        return true;
      } catch (error) {
        // Logged once for a series of failures.
        if (!failing) logger.warn(errorFields(error), 'merged patients not read');
        failing = true;
        return false;
      }
    },
  });
  void loop.runNow();
  return {
    wake: () => void loop.runNow(),
    async close() {
      closing.abort();
      await loop.stop();
    },
  };
}
