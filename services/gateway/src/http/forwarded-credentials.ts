/**
 * What a service receives of the credentials of a client.
 * - `all`: everything, for identity.
 * - `own`: everything but the cookies of identity.
 * - `replaced`: one `Authorization` in the place of the client's, and no cookies of identity.
 */
export type ForwardedCredentials =
  | { readonly kind: 'all' | 'own' }
  | { readonly kind: 'replaced'; readonly authorization: string };

export type CredentialKind = ForwardedCredentials['kind'];

export const ALL_CREDENTIALS: ForwardedCredentials = { kind: 'all' };
export const OWN_CREDENTIALS: ForwardedCredentials = { kind: 'own' };
