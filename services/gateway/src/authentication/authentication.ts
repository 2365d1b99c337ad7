/** Verifies the callers of forwarded requests: by their bearer token, or by the session of their browser (decision 43). */
import {
  type BearerError,
  createKeySource,
  createTokenVerifier,
  formatChallenge,
  InvalidAccessToken,
  KeySetUnavailable,
  PERSON_AUDIENCE,
  readBearerToken,
  type SigningKey,
  type VerificationKey,
} from '@daybook/access';
import { withDeadline } from '@daybook/async';
import { Refusal, type VerifiedCaller } from '@daybook/contracts';
import { type Balancer, createServiceClient, type Discovery } from '@daybook/discovery';
import { type CheckedAuthenticator, type Clock, issuerOf, type Logger } from '@daybook/service';
import type { ClientRequest } from '../http/client-exchange.ts';
import { type ForwardedCredentials, OWN_CREDENTIALS } from '../http/forwarded-credentials.ts';
import { cookieIn, isSessionId, sessionCookieOf } from '../http/identity-cookies.ts';
import type { RateLimit } from '../resilience/rate-limiter.ts';
import { isSameOrigin, notSameOrigin, siteRefusalOf } from './cross-site.ts';
import { createIdentityCalls, IDENTITY_SERVICE } from './identity-calls.ts';
import { type SessionResult, SessionTokens } from './session-tokens.ts';

/** How long a request is held until its caller is known. */
const AUTHENTICATION_MILLIS = 3_000;
/** For one exchange with its retries, so that the verification of the token fits into the same time. */
const CALL_MILLIS = 2_500;
const ATTEMPT_MILLIS = 1_200;
const MAX_CONCURRENT_CALLS = 128;

const EVENT_STREAM = /\btext\/event-stream\b/i;
/** A page sends it with requests that no person made, such as polls: they do not renew the idle time of a session. */
export const BACKGROUND_HEADER = 'x-daybook-background';

export interface Authenticated {
  /** Undefined for a request without credentials. */
  readonly caller: VerifiedCaller | undefined;
  readonly credentials: ForwardedCredentials;
}

/** The session of the browser has ended, so its cookie is removed. */
export class SessionEnded extends Refusal {
  readonly setCookie: string;

  constructor(challenge: string, setCookie: string) {
    super('unauthenticated', 'Your session has ended. Sign in again.', { challenge });
    this.setCookie = setCookie;
  }
}

export interface AuthenticateOptions {
  /** The client that unknown sessions are counted by. */
  readonly client: string;
  /** Whether the request opens a WebSocket. */
  readonly isUpgrade?: boolean;
}

export interface GatewayAuthentication {
  /**
   * Returns the caller of a request, or why it is rejected. Returns a promise only when it has to wait, for at most three
   * seconds.
   */
  authenticate(
    request: ClientRequest,
    options: AuthenticateOptions,
  ): Authenticated | Refusal | Promise<Authenticated | Refusal>;
  /** Verifies the callers of the gateway's own part of the API. */
  readonly authenticator: CheckedAuthenticator;
  /** Returns the refusal of a request that only a person who has signed in may make. */
  signInRequired(): Refusal;
  /**
   * Ends the session of a browser at identity. Returns the `Set-Cookie` that removes its cookie.
   * @throws Refusal `cross-site-request` for a page of another site
   */
  signOut(request: ClientRequest): Promise<{ readonly setCookie: string; readonly failure?: Refusal }>;
  /** Ends running calls. */
  close(): Promise<void>;
}

export interface GatewayAuthenticationOptions {
  readonly logger: Logger;
  readonly discovery: Discovery;
  readonly balancer: Balancer;
  /** The address by which people reach the gateway. */
  readonly publicUrl: URL;
  /** The trust anchor. */
  readonly rootKey: VerificationKey;
  /** The key of the client `gateway-service`. */
  readonly serviceKey: SigningKey;
  readonly clock: Clock;
  /** Where the key set is kept. Without it, it is in memory only. */
  readonly keySetFile?: string;
  /** The sessions without a token that one address may send. */
  readonly unknownSessions?: RateLimit;
}

/** Logs the first of a series of failures, and the others for developers only. */
function createFailureLog(logger: Logger, message: string) {
  let isFailing = false;
  return {
    onFailure(error: unknown): void {
      const level = isFailing ? 'debug' : 'warn';
      isFailing = true;
      logger[level]({ reason: error instanceof Error ? error.message : typeof error }, message);
    },
    onSuccess(): void {
      isFailing = false;
    },
  };
}

/** Returns whether a person made a request. Streams and polls come from an open page, whether a person is there or not. */
const isMadeByPerson = ({ headers }: ClientRequest, isUpgrade: boolean): boolean =>
  !isUpgrade && headers[BACKGROUND_HEADER] !== 'true' && !EVENT_STREAM.test(headers.accept ?? '');

const ANONYMOUS_REQUEST: Authenticated = { caller: undefined, credentials: OWN_CREDENTIALS };

export async function createGatewayAuthentication(
  options: GatewayAuthenticationOptions,
): Promise<GatewayAuthentication> {
  const { logger, discovery, balancer, publicUrl, rootKey, serviceKey, clock, keySetFile } = options;
  const issuer = issuerOf(publicUrl);
  const cookie = sessionCookieOf(publicUrl);
  const client = createServiceClient({
    serviceId: IDENTITY_SERVICE,
    discovery,
    balancer,
    logger,
    deadlineMillis: CALL_MILLIS,
    attemptTimeoutMillis: ATTEMPT_MILLIS,
    maxConcurrent: MAX_CONCURRENT_CALLS,
  });
  const calls = createIdentityCalls({ client, key: serviceKey, issuer });
  const keySetLog = createFailureLog(logger, 'key set of identity not fetched');
  const exchangeLog = createFailureLog(logger, 'session not exchanged');
  const keys = await createKeySource({
    async fetchKeySet(signal) {
      const text = await calls.fetchKeySet(signal);
      keySetLog.onSuccess();
      return text;
    },
    rootKey,
    clock,
    onFailure: keySetLog.onFailure,
    ...(keySetFile !== undefined && { file: keySetFile }),
  });
  const verifier = createTokenVerifier({ issuer, audiences: [PERSON_AUDIENCE], keys, clock });
  const sessions = new SessionTokens({
    async exchange(session, isActive) {
      const token = await calls.exchange(session, isActive);
      exchangeLog.onSuccess();
      return token;
    },
    verifier,
    clock,
    onFailure: exchangeLog.onFailure,
    unknownSessions: options.unknownSessions,
  });

  const challenge = (error?: BearerError): string => formatChallenge({ issuer, ...(error && { error }) });
  const sessionEnded = (): Refusal => new SessionEnded(challenge(), cookie.removal);

  function refusalOfToken(error: unknown): Refusal {
    if (error instanceof InvalidAccessToken) {
      logger.debug({ fault: error.fault }, 'token rejected');
      return new Refusal('unauthenticated', error.message, { challenge: challenge(error.error) });
    }
    if (!(error instanceof KeySetUnavailable)) throw error;
    const { retryAfterSeconds } = error;
    return new Refusal('service-unavailable', 'Access tokens cannot be verified now.', { retryAfterSeconds });
  }

  /** @param authorization the verified header, which replaces repeated ones. A request of the fast path has one only. */
  const withToken = (caller: VerifiedCaller, request: ClientRequest, authorization: string): Authenticated => ({
    caller,
    credentials: request.memo ? OWN_CREDENTIALS : { kind: 'replaced', authorization },
  });

  async function verifyToken(request: ClientRequest, token: string, authorization: string) {
    try {
      return withToken(await verifier.verify(token), request, authorization);
    } catch (error) {
      return refusalOfToken(error);
    }
  }

  const withSession = (result: SessionResult): Authenticated | Refusal => {
    if (result instanceof Refusal) return result;
    if (result === 'ended') return sessionEnded();
    const { caller, authorization } = result;
    return { caller, credentials: { kind: 'replaced', authorization } };
  };

  const tooSlow = () =>
    new Refusal('service-unavailable', 'Your sign-in cannot be verified now.', { retryAfterSeconds: 5 });

  /** Bounds a wait, in which an exchange and a fetch of the key set may follow each other. */
  async function within(work: Promise<Authenticated | Refusal>): Promise<Authenticated | Refusal> {
    try {
      return await withDeadline(work, AUTHENTICATION_MILLIS, tooSlow);
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  function authenticateSession(
    session: string,
    request: ClientRequest,
    { client, isUpgrade = false }: AuthenticateOptions,
  ) {
    const refusal = siteRefusalOf(request, publicUrl.origin, isUpgrade);
    if (refusal) return refusal;
    if (!isSessionId(session)) return sessionEnded();
    const result = sessions.find({ session, isActive: isMadeByPerson(request, isUpgrade), client });
    return result instanceof Promise ? within(result.then(withSession)) : withSession(result);
  }

  return {
    authenticate(request, authenticateOptions) {
      const { authorization, cookie: cookies } = request.headers;
      if (authorization !== undefined) {
        let token: string | undefined;
        try {
          token = readBearerToken(authorization);
        } catch (error) {
          return refusalOfToken(error);
        }
        if (token !== undefined) {
          const caller = verifier.peek(token);
          if (caller) return withToken(caller, request, authorization);
          return within(verifyToken(request, token, authorization));
        }
      }
      const session = cookies === undefined ? undefined : cookieIn(cookies, cookie.name);
      if (session === undefined) return ANONYMOUS_REQUEST;
      return authenticateSession(session, request, authenticateOptions);
    },

    authenticator: { issuer, hasPublicPage: false, verify: verifier.verify, checkKeys: keys.check },

    signInRequired: () =>
      new Refusal('unauthenticated', 'Sign in, or send an access token.', { challenge: challenge() }),

    async signOut(request) {
      if (!isSameOrigin(request, publicUrl.origin)) throw notSameOrigin();
      const session = cookieIn(request.headers.cookie ?? '', cookie.name);
      const setCookie = cookie.removal;
      if (session === undefined || !isSessionId(session)) return { setCookie };
      sessions.end(session);
      try {
        await calls.endSession(session);
        return { setCookie };
      } catch (error) {
        exchangeLog.onFailure(error);
        const detail = 'This browser is signed out, but the session could not be ended. It ends when it has been idle.';
        return { setCookie, failure: new Refusal('service-unavailable', detail, { retryAfterSeconds: 5 }) };
      }
    },

    async close() {
      await Promise.all([keys.stop(), sessions.stop()]);
      await client.close();
    },
  };
}
