import { addAccounts } from './accounts.ts';
import type { ApiContext } from './api-context.ts';
import { addAudit } from './audit.ts';
import { addInvitations } from './invitations.ts';
import { addMe } from './me.ts';
import { addPatientLinks } from './patient-links.ts';
import { addRecoveryLinks } from './recovery-links.ts';
import { addAccountSessions } from './sessions.ts';

/** Adds the operations under `/api/v1`. */
export function addApi(context: ApiContext): void {
  addMe(context);
  addAccounts(context);
  addInvitations(context);
  addRecoveryLinks(context);
  addPatientLinks(context);
  addAccountSessions(context);
  addAudit(context);
}
