import type { JwsFault } from './strict-jws.ts';

/** Why a token was rejected, for logs and metrics. */
export type TokenFault =
  | JwsFault
  | 'no-single-token'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not-yet-valid'
  | 'lifetime';

const NO_SINGLE_TOKEN = 'The Authorization header has no single bearer token.';
const EXPIRED = 'The access token has expired. Request a new one.';
/** The same for all other faults, so that the sender of a forged token learns nothing. */
const INVALID = 'The access token is not valid here. Request a new one.';

/** A rejected access token. The message is for the client and holds nothing of the token. */
export class InvalidAccessToken extends Error {
  override readonly name = 'InvalidAccessToken';
  /** The code of RFC 6750. */
  readonly error: 'invalid_request' | 'invalid_token';
  readonly fault: TokenFault;

  constructor(fault: TokenFault, options?: ErrorOptions) {
    super(fault === 'expired' ? EXPIRED : fault === 'no-single-token' ? NO_SINGLE_TOKEN : INVALID, options);
    this.error = fault === 'no-single-token' ? 'invalid_request' : 'invalid_token';
    this.fault = fault;
  }
}
