import { type ContactProof, type IdentityCheck, Refusal } from '@daybook/contracts';
import type { ApiContext } from './api-context.ts';

const DOUBTS: Readonly<Record<NonNullable<ContactProof['reason']>, string>> = {
  'no-contact': 'The record has no e-mail address and no phone number.',
  'changed-recently': 'A contact of the record changed in the last 7 days.',
  shared: 'Several records have this contact.',
};

/**
 * Checks that an identity check by a contact on record is one. A contact proves nothing for 7 days after a change, or
 * while several records have it, because another person may read it.
 * @throws Refusal `patient-not-found`, `contact-not-proven`, `service-unavailable`
 */
export async function checkContactProof(
  { contacts }: Pick<ApiContext, 'contacts'>,
  identityCheck: IdentityCheck,
  patientId: string,
): Promise<void> {
  if (identityCheck !== 'contact-on-record') return;
  const proof = await contacts.proof(patientId);
  if (!proof) throw new Refusal('patient-not-found', 'There is no patient with this id.');
  if (proof.isProof) return;
  const doubt = proof.reason ? `${DOUBTS[proof.reason]} ` : '';
  throw new Refusal('contact-not-proven', `${doubt}Check the identity in another way.`);
}
