/** Moves the appointments of merged records in the background, a bounded number in each transaction. */

import type { Caller } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';
import type { Logger } from '@daybook/service';
import type { PatientMergeStore } from '../store/patient-merges.ts';
import { startWorker, type Worker } from './worker.ts';

const CALLER: Caller = { id: 'appointment-service', role: 'service' };

const errorFields = (error: unknown) =>
  error instanceof DatabaseUnavailable ? { reason: error.message } : { err: error };

/**
 * Starts the worker.
 * A record that fails is retried with growing pauses, and does not block the others.
 */
export function startPatientMergeWorker(store: PatientMergeStore, logger: Logger): Worker {
  async function moveAppointments(patientId: string, closing: AbortSignal): Promise<void> {
    try {
      while (!closing.aborted && (await store.moveBatch(CALLER, patientId)));
    } catch (error) {
      logger.warn({ ...errorFields(error), patientId }, 'appointments of a merged patient not moved yet');
      await store.postpone(CALLER, patientId);
    }
  }

  async function moveAllDue(closing: AbortSignal): Promise<void> {
    while (!closing.aborted) {
      const patientId = await store.next(CALLER);
      if (patientId === undefined) return;
      await moveAppointments(patientId, closing);
    }
  }

  return startWorker({ runAll: moveAllDue, logger, failureMessage: 'merged patients not read', errorFields });
}
