/** Asks the patient service about the contacts of records. The requests carry a token that this service signs itself. */
import { randomUUID } from 'node:crypto';
import { importSigningKey, signAccessToken } from '@daybook/access';
import { ContactProof, FormerContact, type OperationId, Refusal } from '@daybook/contracts';
import type { ServiceClient } from '@daybook/discovery';
import { type Clock, createParser } from '@daybook/service';
import { withSealedSecrets } from './sealing-key.ts';
import { requireRing, type SigningKeyStore } from './store/signing-keys.ts';

export const PATIENTS = 'patient-service';
const IDENTITY_SERVICE = 'identity-service';
const LIVES_SECONDS = 60;

export interface PatientContacts {
  /**
   * Returns whether a contact of a record proves that a person is the patient; undefined without such a record.
   * @throws Refusal `service-unavailable`
   */
  proof(patientId: string): Promise<ContactProof | undefined>;
  /**
   * Returns the contact before a change; undefined when it is no longer kept.
   * @throws Refusal `service-unavailable`
   */
  former(patientId: string, changeId: string): Promise<FormerContact | undefined>;
}

export interface PatientContactsOptions {
  readonly client: Pick<ServiceClient, 'get'>;
  readonly keys: Pick<SigningKeyStore, 'load'>;
  readonly issuer: string;
  readonly clock: Clock;
}

const readProof = createParser(ContactProof);
const readFormer = createParser(FormerContact);

export function createPatientContacts({ client, keys, issuer, clock }: PatientContactsOptions): PatientContacts {
  /** Signs a token for one operation. These requests are rare, so none is kept. */
  async function tokenFor(operation: OperationId): Promise<string> {
    const now = clock().epochMilliseconds;
    const { current } = requireRing(await withSealedSecrets(keys.load), now);
    const iat = Math.floor(now / 1_000);
    const names = { iss: issuer, aud: PATIENTS, sub: IDENTITY_SERVICE, client_id: IDENTITY_SERVICE };
    const claims = {
      ...names,
      iat,
      exp: iat + LIVES_SECONDS,
      jti: randomUUID(),
      role: 'service',
      scope: operation,
    } as const;
    return signAccessToken(claims, await importSigningKey(current.privateJwk));
  }

  async function get(operation: OperationId, path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${await tokenFor(operation)}` };
    const { status, body } = await client.get(path, { headers });
    if (status === 404) return undefined;
    if (status === 200) return body;
    throw new Refusal('service-unavailable', 'A required service sent an unexpected response.', {
      retryAfterSeconds: 1,
    });
  }

  return {
    async proof(patientId) {
      const body = await get('getContactProof', `/api/v1/patients/${patientId}/contact-proof`);
      return body === undefined ? undefined : readProof(body);
    },
    async former(patientId, changeId) {
      const body = await get('getFormerContact', `/api/v1/patients/${patientId}/contact-changes/${changeId}`);
      return body === undefined ? undefined : readFormer(body);
    },
  };
}
