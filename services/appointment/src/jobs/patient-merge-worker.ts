/** Moves the appointments of merged records in the background, a bounded number in each transaction. */

import { createLoop } from '@daybook/async';
import type { Caller } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';
import type { Logger } from '@daybook/service';
import type { PatientMergeStore } from '../store/patient-merges.ts';

/** Notices what another process was told; what this one is told wakes it at once. */
const INTERVAL_MILLIS = 1_000;

const CALLER: Caller = { id: 'appointment-service', role: 'service' };

export interface PatientMergeWorker {
  /** Something is due. */
  wake(): void;
  /** Resolves when the transaction under way is done. What is due then waits for the next start. */
  close(): Promise<void>;
}

const errorFields = (error: unknown) =>
  error instanceof DatabaseUnavailable ? { reason: error.message } : { err: error };

/** Starts the worker. A record that cannot be settled now is tried again, ever more slowly; others pass it. */
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
        // Once for as long as it lasts.
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
