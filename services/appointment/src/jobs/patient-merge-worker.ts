/** Reassigns the appointments of merged records in the background, a bounded number in each transaction. */
import type { Logger } from '@daybook/service';
import type { PatientMergeStore } from '../store/patient-merges.ts';
import { startWorker, WORKER_CALLER, type Worker } from './worker.ts';

export const startPatientMergeWorker = (store: PatientMergeStore, logger: Logger): Worker =>
  startWorker({
    next: () => store.next(WORKER_CALLER),
    async run(patientId, closing) {
      while (!closing.aborted && (await store.reassignBatch(WORKER_CALLER, patientId)));
    },
    postpone: (patientId) => store.postpone(WORKER_CALLER, patientId),
    logger,
    fieldsOf: (patientId) => ({ patientId }),
    messages: {
      runFailed: 'appointments of a merged patient not reassigned yet',
      readFailed: 'merged patients not read',
    },
  });
