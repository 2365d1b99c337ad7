/** The caller: account, patients, session. */
import { instantText, Me, Nothing, type PatientLink as PatientLinkResource } from '@daybook/contracts';
import type { PatientLink } from '../store/accounts.ts';
import { type ApiContext, hasAccount, personOf } from './api-context.ts';

export const toLinkResource = ({ patientId, relation, endsAt }: PatientLink): PatientLinkResource => ({
  id: patientId,
  relation,
  ...(endsAt && { until: instantText(endsAt) }),
});

export function addMe(context: ApiContext): void {
  context.app.get(
    '/api/v1/me',
    { schema: { tags: ['Accounts'], operationId: 'getMe', querystring: Nothing, response: { 200: Me } } },
    async (request): Promise<Me> => {
      const { caller } = request;
      if (!hasAccount(caller)) return { id: caller.id, role: caller.role, patients: [] };
      const { account, session } = await personOf(context, request);
      const { id, role, displayName, locale, doctorId } = account;
      const links = await context.accounts.patientsOf(id);
      return {
        id,
        role,
        displayName,
        locale,
        patients: links.map(toLinkResource),
        ...(doctorId !== undefined && { doctorId }),
        ...(session && {
          session: {
            authenticatedAt: instantText(session.authenticatedAt),
            idleEndsAt: instantText(session.idleEndsAt),
            endsAt: instantText(session.endsAt),
          },
        }),
      };
    },
  );
}
