/** The gateway's requests to identity. They go to any instance that discovery finds, as the client `gateway-service`. */
import { randomUUID } from 'node:crypto';
import { MAX_KEY_SET_LENGTH, MAX_TOKEN_LENGTH, type SigningKey, signClientAssertion } from '@daybook/access';
import type { ServiceClient, ServiceResponse } from '@daybook/discovery';
import { createValidator, systemClock } from '@daybook/service';
import { Type } from 'typebox';

export const IDENTITY_SERVICE = 'identity-service';
/** Its public paths are this one and those below it. */
export const IDENTITY_PATH = '/identity';
/** Its operations of the API, which get their callers as those of all services do. */
const API_PATH = '/api/v1';
const CLIENT_ID = 'gateway-service';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const SESSION_TOKEN = 'urn:daybook:token-type:session';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const isBelow = (base: string, path: string): boolean => path === base || path.startsWith(`${base}/`);

/** Returns whether a path leads to the pages and the protocol of identity, which read cookies and credentials themselves. */
export const isIdentityPath = (path: string): boolean => isBelow(IDENTITY_PATH, path);

/** Returns whether a route may lead to identity: to its own paths only, or to its part of the API only. */
export const isPathOfIdentity = (path: string, others: readonly string[]): boolean =>
  isIdentityPath(path) ? others.every(isIdentityPath) : isBelow(API_PATH, path);

/** Identity responded, but not as it should. The message holds nothing of the request. */
export class UnusableIdentity extends Error {
  override readonly name = 'UnusableIdentity';
}

export interface IdentityCalls {
  /** Returns the signed key set. @throws Refusal `service-unavailable` */
  fetchKeySet(signal: AbortSignal): Promise<string>;
  /**
   * Exchanges a session for an access token. Returns undefined when the session has ended.
   * @param isActive whether a person did something, which renews the idle time of the session
   * @throws Refusal `service-unavailable`, UnusableIdentity
   */
  exchange(session: string, isActive: boolean): Promise<string | undefined>;
  /** Ends a session. @throws Refusal `service-unavailable`, UnusableIdentity */
  endSession(session: string): Promise<void>;
}

export interface IdentityCallsOptions {
  readonly client: Pick<ServiceClient, 'get' | 'post'>;
  /** The key of the client `gateway-service`. */
  readonly key: SigningKey;
  readonly issuer: string;
}

const checkToken = createValidator(
  Type.Object({ access_token: Type.String({ minLength: 1, maxLength: MAX_TOKEN_LENGTH }) }),
);
const checkFailure = createValidator(Type.Object({ error: Type.String({ pattern: '^[a-z_]{1,100}$' }) }));

function failureOf({ status, body }: ServiceResponse): string {
  const failure = checkFailure(body);
  return 'value' in failure ? failure.value.error : `status ${status}`;
}

export function createIdentityCalls({ client, key, issuer }: IdentityCallsOptions): IdentityCalls {
  async function sendOnce(path: string, parameters: Readonly<Record<string, string>>): Promise<ServiceResponse> {
    // The issuer compares the times of an assertion with its own clock.
    const now = systemClock().epochMilliseconds;
    const assertion = await signClientAssertion({ clientId: CLIENT_ID, audience: issuer, jti: randomUUID(), now }, key);
    const form = { ...parameters, client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
    return client.post(path, { headers: FORM, body: new URLSearchParams(form).toString() });
  }

  /** An assertion is accepted once. The client of a service may repeat a request, so a second one can be necessary. */
  async function send(path: string, parameters: Readonly<Record<string, string>>): Promise<ServiceResponse> {
    const response = await sendOnce(path, parameters);
    return response.status === 401 ? sendOnce(path, parameters) : response;
  }

  return {
    async fetchKeySet(signal) {
      const { status, text = '' } = await client.get('/identity/keys', { signal });
      if (status !== 200) throw new UnusableIdentity(`the key set came with status ${status}`);
      if (text.length > MAX_KEY_SET_LENGTH) throw new UnusableIdentity('the key set is too long');
      return text;
    },

    async exchange(session, isActive) {
      const response = await send('/identity/token', {
        grant_type: TOKEN_EXCHANGE,
        subject_token_type: SESSION_TOKEN,
        subject_token: session,
        ...(isActive && { activity: 'true' }),
      });
      const token = response.status === 200 ? checkToken(response.body) : undefined;
      if (token && 'value' in token) return token.value.access_token;
      const failure = failureOf(response);
      if (failure === 'invalid_grant') return undefined;
      throw new UnusableIdentity(`the session was not exchanged: ${failure}`);
    },

    async endSession(session) {
      const response = await send('/identity/token/revocation', { token: session, token_type_hint: SESSION_TOKEN });
      if (response.status !== 200) throw new UnusableIdentity(`the session was not ended: ${failureOf(response)}`);
    },
  };
}
