/** Bearer tokens in HTTP (RFC 6750): the request's `Authorization` and the response's `WWW-Authenticate`. */
import { InvalidAccessToken } from './invalid-access-token.ts';

/** The error codes of RFC 6750, section 3.1, with their statuses. */
export const bearerErrorStatus = { invalid_request: 400, invalid_token: 401, insufficient_scope: 403 } as const;
export type BearerError = keyof typeof bearerErrorStatus;

const SCHEME = /^bearer(?: |$)/i;
const CREDENTIALS = /^bearer +([\w.~+/-]+=*)$/i;

/**
 * Returns the bearer token of an `Authorization` header. Returns undefined without the header, or if it has another
 * scheme: such a request is anonymous.
 * @throws InvalidAccessToken `invalid_request` when the scheme is `Bearer` and exactly one token does not follow
 */
export function readBearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !SCHEME.test(authorization)) return undefined;
  const token = CREDENTIALS.exec(authorization)?.[1];
  if (token === undefined) throw new InvalidAccessToken('no-single-token');
  return token;
}

export interface Challenge {
  /** The URL of the issuer from which a caller gets a token. */
  readonly issuer: string;
  /** The URL of the metadata of the protected resource (RFC 9728). */
  readonly resourceMetadata?: string;
  /** Absent when the request had no token: RFC 6750 wants no code then. */
  readonly error?: BearerError;
  /** A sentence for the developer of the client. */
  readonly description?: string;
  /** The scope that the token needs, for `insufficient_scope`. */
  readonly scope?: string;
}

/** The characters that RFC 6750 allows in a value. None of them needs quoting. */
const ALLOWED = /^[ !#-[\]-~]+$/;

function parameter(name: string, value: string): string {
  if (!ALLOWED.test(value)) throw new TypeError(`The value of ${name} is not allowed in WWW-Authenticate.`);
  return `${name}="${value}"`;
}

/**
 * Returns the value of `WWW-Authenticate`.
 * @throws TypeError when a value has a character that is not allowed there, such as a quote or a line end
 */
export function formatChallenge({ issuer, resourceMetadata, error, description, scope }: Challenge): string {
  const parameters = [
    ['realm', 'daybook'],
    ['issuer', issuer],
    ['resource_metadata', resourceMetadata],
    ['error', error],
    ['error_description', description],
    ['scope', scope],
  ] as const;
  const given = parameters.flatMap(([name, value]) => (value === undefined ? [] : [parameter(name, value)]));
  return `Bearer ${given.join(', ')}`;
}
