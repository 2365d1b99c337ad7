/** The caller of the gateway's own operations outside of the API, which have no row in the access table. */
import type { IncomingMessage } from 'node:http';
import { permit, Refusal, type Role, type VerifiedCaller } from '@daybook/contracts';
import { type GatewayAuthentication, SessionEnded } from '../authentication/authentication.ts';
import { clientKey } from '../http/addresses.ts';
import type { Forwarding } from '../http/forwarded.ts';

export interface CallerDependencies {
  readonly authentication: Pick<GatewayAuthentication, 'authenticate' | 'signInRequired'>;
  readonly forwarding: Pick<Forwarding, 'clientAddressOf'>;
}

/**
 * Returns the verified caller of a request.
 * @throws Refusal `unauthenticated`, `forbidden`, `service-unavailable`, `too-many-requests`
 */
export async function permittedCaller(
  { authentication, forwarding }: CallerDependencies,
  { raw }: { readonly raw: IncomingMessage },
  reply: { header(name: string, value: string): unknown },
  roles: readonly Role[],
): Promise<VerifiedCaller> {
  const client = clientKey(forwarding.clientAddressOf(raw));
  const result = await authentication.authenticate(raw, { client });
  if (result instanceof SessionEnded) reply.header('set-cookie', result.setCookie);
  if (result instanceof Refusal) throw result;
  const { caller } = result;
  if (!caller) throw authentication.signInRequired();
  permit(caller, roles);
  return caller;
}
