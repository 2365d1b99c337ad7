/** Calls the identity service, on any instance that discovery finds. */
import type { ServiceClient } from '@daybook/discovery';
import { Type } from 'typebox';
import { createParser } from '../validation/validation.ts';

export const IDENTITY = 'identity-service';

/** Form parameters of the token endpoint (RFC 6749). */
export type TokenRequest = Readonly<Record<string, string>>;

export interface IssuedToken {
  readonly accessToken: string;
  readonly livesSeconds: number;
}

export interface IdentityClient {
  /**
   * Returns the signed key set.
   * @throws Refusal `service-unavailable`
   */
  fetchKeySet(signal: AbortSignal): Promise<string>;
  /**
   * Requests a token. Returns undefined when identity rejects the request.
   * @throws Refusal `service-unavailable`
   */
  requestToken(parameters: TokenRequest): Promise<IssuedToken | undefined>;
}

const readToken = createParser(
  Type.Object({
    access_token: Type.String({ minLength: 1, maxLength: 8_192 }),
    expires_in: Type.Integer({ minimum: 1 }),
  }),
);

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export const createIdentityClient = (client: Pick<ServiceClient, 'get' | 'post'>): IdentityClient => ({
  async fetchKeySet(signal) {
    const { status, text = '' } = await client.get('/identity/keys', { signal });
    if (status !== 200) throw new Error(`the key set came with status ${status}`);
    return text;
  },

  async requestToken(parameters) {
    const response = await client.post('/identity/token', {
      headers: FORM,
      body: new URLSearchParams(parameters).toString(),
    });
    if (response.status !== 200) return undefined;
    const { access_token: accessToken, expires_in: livesSeconds } = readToken(response.body);
    return { accessToken, livesSeconds };
  },
});
