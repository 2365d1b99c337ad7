/** The caller of the gateway's own operations. */
import type { IncomingMessage } from 'node:http';
import { permit, Refusal, type Role, type VerifiedCaller } from '@daybook/contracts';
import { type GatewayAuthentication, SessionEnded } from '../authentication/authentication.ts';
import { clientKey } from '../http/addresses.ts';
import type { Forwarding } from '../http/forwarded.ts';

export interface CallerDependencies {
  readonly authentication: Pick<GatewayAuthentication, 'authenticate' | 'signInRequired'>;
  readonly forwarding: Pick<Forwarding, 'clientAddressOf'>;
}

/** A caller, and the `Authorization` with which the gateway calls services for it. */
export interface PermittedCaller {
  readonly caller: VerifiedCaller;
  readonly authorization: string | undefined;
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
): Promise<PermittedCaller> {
  const client = clientKey(forwarding.clientAddressOf(raw));
  const result = await authentication.authenticate(raw, { client });
  if (result instanceof SessionEnded) reply.header('set-cookie', result.setCookie);
  if (result instanceof Refusal) throw result;
  const { caller, credentials } = result;
  if (!caller) throw authentication.signInRequired();
  permit(caller, roles);
  const isReplaced = credentials.kind === 'replaced';
  return { caller, authorization: isReplaced ? credentials.authorization : raw.headers.authorization };
}
