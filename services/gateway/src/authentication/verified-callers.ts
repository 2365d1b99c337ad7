/** The verified callers of running requests. They belong to one request each, and never to its connection. */
import type { VerifiedCaller } from '@daybook/contracts';
import type { ClientRequest } from '../http/client-exchange.ts';

const callers = new WeakMap<ClientRequest, VerifiedCaller>();

export const rememberCaller = (request: ClientRequest, caller: VerifiedCaller): void =>
  void callers.set(request, caller);

/** Returns the caller of a request; undefined for one without sign-in. */
export const callerOf = (request: ClientRequest): VerifiedCaller | undefined => callers.get(request);
