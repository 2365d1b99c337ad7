/**
 * Verifies the callers of the gateway's own part of the API, as for services: a bearer token takes the place of the
 * session of a browser.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '@daybook/contracts';
import { contain, guarded } from '@daybook/service';
import type { Authenticated, GatewayAuthentication } from '../authentication/authentication.ts';
import { clientKey } from '../http/addresses.ts';
import type { Forwarding } from '../http/forwarded.ts';
import { clientExchangeOf } from '../http/node-response.ts';
import { sendLocalResponse } from '../proxy/local-response.ts';

const API = '/api/';

export interface OwnRequestDependencies {
  readonly authentication: Pick<GatewayAuthentication, 'authenticate'>;
  readonly forwarding: Pick<Forwarding, 'clientAddressOf'>;
}

/** Calls `handle` with the caller's token in `Authorization`, or rejects the request. */
export function authenticateOwn(
  { authentication, forwarding }: OwnRequestDependencies,
  request: IncomingMessage,
  response: ServerResponse,
  handle: () => void,
): void {
  if (!request.url?.startsWith(API)) {
    handle();
    return;
  }
  const onResult = guarded(request.socket, (result: Authenticated | Refusal): void => {
    if (result instanceof Refusal) {
      const exchange = clientExchangeOf(request, response);
      sendLocalResponse(exchange.response, result, exchange);
      return;
    }
    const { credentials } = result;
    if (credentials.kind === 'replaced') request.headers.authorization = credentials.authorization;
    handle();
  });
  const result = authentication.authenticate(request, { client: clientKey(forwarding.clientAddressOf(request)) });
  if (result instanceof Promise) result.then(onResult, (failure: unknown) => contain(request.socket, failure));
  else onResult(result);
}
