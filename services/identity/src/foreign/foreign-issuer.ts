/**
 * A foreign issuer of OpenID Connect, of which this service is a client. Discovery runs in the background, so that
 * neither the start nor the other ways to sign in depend on the issuer.
 */
import { createLoop } from '@daybook/async';
import type { Logger } from '@daybook/service';
import type { ClientAuth, Configuration, IDToken } from 'openid-client';
import type { ForeignAttempt } from './attempts.ts';
import { createTransport, ForeignIssuerUnavailable, isSafeAddress } from './transport.ts';

export interface ForeignIssuerSettings {
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The claim of the ID token that has the role. */
  readonly roleClaim: string;
}

export interface ForeignIssuer {
  /** The address at which browsers come back. */
  readonly callback: URL;
  /** What pages call it. */
  readonly host: string;
  readonly roleClaim: string;
  /**
   * Returns the address at which a sign-in begins.
   * @param isFresh whether the person has to enter credentials, even with a session there
   * @throws ForeignIssuerUnavailable
   */
  authorizationUrl(attempt: ForeignAttempt, isFresh: boolean): Promise<URL>;
  /**
   * Returns the verified claims of the ID token.
   * @param callback the address at which the browser came back
   * @throws ForeignIssuerUnavailable, ForeignSignInRejected
   */
  redeem(callback: URL, attempt: ForeignAttempt): Promise<IDToken>;
  /** Begins discovery. */
  start(): void;
  stop(): Promise<void>;
}

/** The response of the issuer, or of somebody in its name, is not acceptable. */
export class ForeignSignInRejected extends Error {
  /** A code of the protocol or of openid-client. */
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super('The sign-in at the foreign issuer was rejected.', options);
    this.name = 'ForeignSignInRejected';
    this.reason = reason;
  }
}

export interface ForeignIssuerOptions {
  readonly settings: ForeignIssuerSettings;
  readonly callback: URL;
  readonly logger: Logger;
  /** Another one for tests. */
  readonly transport?: typeof fetch;
}

type Library = typeof import('openid-client');
interface Discovered {
  readonly library: Library;
  readonly configuration: Configuration;
}

/** A handler has 8 seconds for two requests, to the token endpoint and for keys. */
const REQUEST_SECONDS = 3.5;
const REFRESH_MILLIS = 60 * 60_000;
const LONGEST_RETRY_MILLIS = 10_000;
/** Each sign-in that comes back costs a request, which a stranger can provoke. */
const MAX_SIMULTANEOUS = 20;
/** Errors of the protocol that the person cannot help. */
const OUR_FAULT = ['invalid_client', 'unauthorized_client', 'temporarily_unavailable', 'server_error'];
const ERROR_CODE = /^[a-z_]{1,40}$/;

const textIn = (value: unknown, name: string): string | undefined => {
  const member: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof member === 'string' ? member : undefined;
};

/** Returns an error and its causes, the outermost first. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let one = error; one !== undefined && chain.length < 8; one = one instanceof Error ? one.cause : undefined) {
    chain.push(one);
  }
  return chain;
}

/** Translates an error of openid-client. Texts of the issuer can quote a person, so only codes are kept. */
function translate(error: unknown): Error {
  const chain = chainOf(error);
  const unavailable = chain.find((one) => one instanceof ForeignIssuerUnavailable);
  if (unavailable) return unavailable;
  const protocolCode = chain.map((one) => textIn(one, 'error')).find((code) => code && ERROR_CODE.test(code));
  if (protocolCode && OUR_FAULT.includes(protocolCode)) return new ForeignIssuerUnavailable(protocolCode);
  const claim = chain.map((one) => textIn(one, 'claim')).find((name) => name !== undefined);
  const code = protocolCode ?? textIn(error, 'code') ?? 'unknown';
  return new ForeignSignInRejected(claim === undefined ? code : `${code} ${claim}`, { cause: error });
}

/** Uses the method that the issuer supports, and the basic one where it names none (RFC 8414, section 2). */
const authenticationWith =
  ({ ClientSecretBasic, ClientSecretPost }: Library, secret: string): ClientAuth =>
  (server, client, body, headers) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server;
    const method = methods.includes('client_secret_basic') ? ClientSecretBasic : ClientSecretPost;
    method(secret)(server, client, body, headers);
  };

/** @throws ForeignIssuerUnavailable when the issuer is another one than configured, or lacks an endpoint */
function checkMetadata(configuration: Configuration, { url }: ForeignIssuerSettings): void {
  const { issuer, authorization_endpoint, token_endpoint, jwks_uri } = configuration.serverMetadata();
  // The library accepts the issuer of any tenant of Entra, whose administrator could make anybody ours.
  if (URL.parse(issuer)?.href !== url.href) throw new ForeignIssuerUnavailable('another-issuer');
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri]) {
    const address = URL.parse(endpoint ?? '');
    if (!address || !isSafeAddress(address)) throw new ForeignIssuerUnavailable('missing-or-unencrypted-endpoint');
  }
}

async function discover({ settings, transport }: ForeignIssuerOptions): Promise<Discovered> {
  // Loaded on use only, because most clinics have no foreign issuer.
  const library = await import('openid-client');
  const { url, clientId, clientSecret } = settings;
  const authentication = authenticationWith(library, clientSecret);
  const configuration = await library.discovery(url, clientId, undefined, authentication, {
    timeout: REQUEST_SECONDS,
    [library.customFetch]: createTransport(transport),
    execute: [
      // Verifies the signature of ID tokens, which the protocol leaves to TLS.
      library.enableNonRepudiationChecks,
      // The transport permits it on this machine only.
      ...(url.protocol === 'http:' ? [library.allowInsecureRequests] : []),
    ],
  });
  checkMetadata(configuration, settings);
  return { library, configuration };
}

export function createForeignIssuer(options: ForeignIssuerOptions): ForeignIssuer {
  const { settings, callback, logger } = options;
  let discovered: Discovered | undefined;
  let isFailing = false;
  let running = 0;

  const loop = createLoop({
    intervalMillis: () => (discovered ? REFRESH_MILLIS : LONGEST_RETRY_MILLIS),
    async run() {
      try {
        discovered = await discover(options);
        logger[isFailing ? 'info' : 'debug']('foreign issuer discovered');
        isFailing = false;
        return true;
      } catch (error) {
        const translated = translate(error);
        const reason = 'reason' in translated ? translated.reason : 'unknown';
        logger[isFailing ? 'debug' : 'warn']({ reason }, 'foreign issuer not discovered');
        isFailing = true;
        return false;
      }
    },
  });

  function current(): Discovered {
    if (!discovered) throw new ForeignIssuerUnavailable('not-discovered');
    return discovered;
  }

  async function redeem(address: URL, { state, nonce, codeVerifier }: ForeignAttempt): Promise<IDToken> {
    const { library, configuration } = current();
    const tokens = await library.authorizationCodeGrant(configuration, address, {
      pkceCodeVerifier: codeVerifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (!claims) throw new ForeignSignInRejected('no-id-token');
    return claims;
  }

  return {
    callback,
    host: settings.url.host,
    roleClaim: settings.roleClaim,

    async authorizationUrl({ state, nonce, codeVerifier }, isFresh) {
      const { library, configuration } = current();
      return library.buildAuthorizationUrl(configuration, {
        redirect_uri: callback.href,
        scope: 'openid profile email',
        code_challenge: await library.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        // `max_age` makes the issuer say when the person signed in there.
        ...(isFresh && { prompt: 'login', max_age: '0' }),
      });
    },

    async redeem(address, attempt) {
      if (running >= MAX_SIMULTANEOUS) throw new ForeignIssuerUnavailable('busy');
      running += 1;
      try {
        return await redeem(address, attempt);
      } catch (error) {
        throw error instanceof ForeignSignInRejected ? error : translate(error);
      } finally {
        running -= 1;
      }
    },

    start: () => void loop.runNow(),
    stop: () => loop.stop(),
  };
}
