/**
 * Decides for every request to the API who sends it, and whether the access table permits the operation. It runs before
 * anything reads the body or a stored response.
 */
import {
  type BearerError,
  formatChallenge,
  InvalidAccessToken,
  KeySetUnavailable,
  readBearerToken,
} from '@daybook/access';
import {
  type Access,
  ANONYMOUS,
  accessOfCaller,
  accessOperations,
  Refusal,
  type VerifiedCaller,
} from '@daybook/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { systemClock } from '../lifecycle/clock.ts';
import type { Authenticator } from './authenticator.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the caller may do with the operation of this request, by the access table. */
    access: Access;
  }
}

const API = '/api/';
const NO_ACCESS: Access = Object.freeze({ reach: 'none', conditions: [] });

function unauthenticated({ issuer }: Authenticator, detail: string, error?: BearerError): Refusal {
  return new Refusal('unauthenticated', detail, { challenge: formatChallenge({ issuer, ...(error && { error }) }) });
}

/**
 * Returns the `Authorization` of a request. Node passes on the first of several only, and another reader could take the
 * last one.
 * @throws InvalidAccessToken
 */
function authorizationOf({ headers, raw }: FastifyRequest): string | undefined {
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  let count = 0;
  for (let index = 0; index < raw.rawHeaders.length; index += 2) {
    if (raw.rawHeaders[index]?.toLowerCase() === 'authorization') count += 1;
  }
  if (count > 1) throw new InvalidAccessToken('no-single-token');
  return authorization;
}

/** @throws Refusal `unauthenticated`, `service-unavailable` */
async function callerOf(authenticator: Authenticator, request: FastifyRequest): Promise<VerifiedCaller | undefined> {
  try {
    const token = readBearerToken(authorizationOf(request));
    return token === undefined ? undefined : await authenticator.verify(token);
  } catch (error) {
    if (error instanceof InvalidAccessToken) {
      request.log.debug({ fault: error.fault }, 'token rejected');
      throw unauthenticated(authenticator, error.message, error.error);
    }
    if (!(error instanceof KeySetUnavailable)) throw error;
    throw new Refusal('service-unavailable', 'It cannot be verified now who sends this.', {
      retryAfterSeconds: error.retryAfterSeconds,
    });
  }
}

/** Returns what the caller may do, without what only an open public page permits. */
function accessFor(operationId: string, caller: VerifiedCaller | undefined, hasPublicPage: boolean): Access {
  const access = accessOfCaller(operationId, caller);
  const isOfPublicPage = caller === undefined && access.conditions.includes('public-page');
  return isOfPublicPage && !hasPublicPage ? NO_ACCESS : access;
}

/** How old the sign-in for a sensitive operation may be. */
const RECENT_SECONDS = 10 * 60;

/** @throws Refusal `recent-sign-in-required` */
function requireRecentSignIn({ authenticatedAt }: VerifiedCaller): void {
  const nowSeconds = systemClock().epochMilliseconds / 1_000;
  if (authenticatedAt !== undefined && nowSeconds - authenticatedAt <= RECENT_SECONDS) return;
  throw new Refusal('recent-sign-in-required', 'This needs a sign-in of the last 10 minutes.');
}

/** Returns the operation of a request; undefined outside of the API. */
export const operationOf = ({ routeOptions: { url, schema } }: FastifyRequest): string | undefined =>
  url?.startsWith(API) ? schema?.operationId : undefined;

/** Fails the start if a route of the API has no row in the access table, or nothing that verifies its callers. */
function requireRow(app: FastifyInstance, authenticator: Authenticator | undefined): void {
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (!url.startsWith(API)) return;
    const operation = schema?.operationId;
    if (operation === undefined || !accessOperations.includes(operation))
      throw new Error(`${method} ${url} has no row in the access table (packages/contracts/src/access-table.ts).`);
    if (!authenticator) throw new Error(`${method} ${url} needs an authenticator.`);
  });
}

/** Sets `caller` and `access` of each request to the API, and refuses what the access table does not permit. */
export function addAccessControl(app: FastifyInstance, authenticator: Authenticator | undefined): void {
  app.decorateRequest('access');
  requireRow(app, authenticator);
  app.addHook('onRequest', async (request) => {
    request.access = NO_ACCESS;
    const operation = operationOf(request);
    if (operation === undefined || !authenticator) return;
    const caller = await callerOf(authenticator, request);
    // A refused call is recorded with its caller.
    request.caller = caller ?? ANONYMOUS;
    const access = accessFor(operation, caller, authenticator.hasPublicPage);
    if (access.reach === 'none') {
      if (!caller) throw unauthenticated(authenticator, 'Sign in, or send an access token.');
      throw new Refusal('forbidden', 'Your role does not allow this.');
    }
    request.access = access;
    if (caller && access.conditions.includes('recent-sign-in') && !authenticator.readsSessions) {
      requireRecentSignIn(caller);
    }
  });
}
