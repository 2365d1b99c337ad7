/**
 * The tokens with which a service calls another one. A token names the called service and the operations, and nothing of
 * the person who called first: that caller's rights were checked before.
 */
import { randomUUID } from 'node:crypto';
import { type SigningKey, signClientAssertion } from '@daybook/access';
import { Refusal } from '@daybook/contracts';
import { systemClock } from '../lifecycle/clock.ts';
import type { IdentityClient, IssuedToken } from './identity-client.ts';

export interface ServiceTokens {
  /**
   * Returns the `Authorization` of calls of one service.
   * @throws Refusal `service-unavailable`
   */
  authorizationFor(service: string): Promise<string>;
  /** Forgets a token that a service has rejected, for example because the key that signed it was withdrawn. */
  forget(service: string, authorization: string): void;
}

export interface ServiceTokensOptions {
  /** The service that calls: the id of its client. */
  readonly clientId: string;
  readonly key: SigningKey;
  readonly issuer: string;
  readonly identity: Pick<IdentityClient, 'requestToken'>;
  /** The operations of each service that it calls. */
  readonly operations: Readonly<Record<string, readonly string[]>>;
  readonly clock?: () => Temporal.Instant;
}

/** A token is renewed after this time, so that identity learns of changes, and long before it expires. */
const RENEW_AFTER_MILLIS = 5 * 60_000;
/** After a failed renewal the old token is used, and this time passes before the next attempt. */
const RETRY_AFTER_MILLIS = 5_000;
/** A token that expires sooner is not used, because it could expire on the way. */
const MARGIN_MILLIS = 10_000;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface HeldToken {
  readonly authorization: string;
  readonly expiresAtMillis: number;
  renewAtMillis: number;
}

export function createServiceTokens(options: ServiceTokensOptions): ServiceTokens {
  const { clientId, key, issuer, identity, operations, clock = systemClock } = options;
  const held = new Map<string, HeldToken>();
  const running = new Map<string, Promise<HeldToken>>();
  const now = () => clock().epochMilliseconds;

  async function request(service: string): Promise<IssuedToken | undefined> {
    const scope = operations[service];
    if (!scope) throw new Error(`${clientId} has no operation of ${service}.`);
    const assertion = await signClientAssertion({ clientId, audience: issuer, jti: randomUUID(), now: now() }, key);
    return identity.requestToken({
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
      resource: `urn:daybook:service:${service}`,
      scope: scope.join(' '),
    });
  }

  async function renew(service: string): Promise<HeldToken> {
    const requestedAtMillis = now();
    const issued = await request(service);
    if (!issued) {
      throw new Refusal('service-unavailable', 'A service of Daybook could not prove which one it is.', {
        retryAfterSeconds: 5,
      });
    }
    const token = {
      authorization: `Bearer ${issued.accessToken}`,
      expiresAtMillis: requestedAtMillis + issued.livesSeconds * 1_000,
      renewAtMillis: requestedAtMillis + Math.min(RENEW_AFTER_MILLIS, (issued.livesSeconds * 1_000) / 2),
    };
    held.set(service, token);
    return token;
  }

  /** Joins a running renewal, or starts one. */
  function renewOnce(service: string): Promise<HeldToken> {
    const existing = running.get(service);
    if (existing) return existing;
    const started = renew(service).finally(() => running.delete(service));
    running.set(service, started);
    return started;
  }

  /** Renews behind a request that uses the present token. A failure shows when the token has expired. */
  function renewBehind(service: string, token: HeldToken): void {
    if (now() < token.renewAtMillis) return;
    token.renewAtMillis = now() + RETRY_AFTER_MILLIS;
    renewOnce(service).catch(() => undefined);
  }

  return {
    async authorizationFor(service) {
      const token = held.get(service);
      if (!token || now() >= token.expiresAtMillis - MARGIN_MILLIS) return (await renewOnce(service)).authorization;
      renewBehind(service, token);
      return token.authorization;
    },
    forget(service, authorization) {
      if (held.get(service)?.authorization === authorization) held.delete(service);
    },
  };
}
