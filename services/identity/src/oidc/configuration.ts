/** The settings of oidc-provider. */
import { randomUUID } from 'node:crypto';
import { PERSON_AUDIENCE } from '@daybook/access';
import type { Clock } from '@daybook/service';
import type { Configuration, FindAccount, JWK, KoaContextWithOIDC } from 'oidc-provider';
import { type CookieNames, cookieIn } from '../http/cookies.ts';
import { failurePage, signedOutPage } from '../pages/sign-in.ts';
import { PAGE_HEADERS } from '../pages/style.ts';
import { wordsAccepted } from '../pages/words/words.ts';
import type { AccountStore } from '../store/accounts.ts';
import type { ArtifactStore } from '../store/oidc-artifacts.ts';
import type { SessionStore, SignedIn } from '../store/sessions.ts';
import { createAdapterFactory, translateUnavailable } from './adapter.ts';
import { type ConfiguredClient, metadataOf, operationsOf } from './clients.ts';
import type { Library } from './library.ts';
import { logoutPage } from './logout-page.ts';

/** Names Daybook's API in `resource` (RFC 8707). Without it, a person's token is good for the user info only. */
export const API_RESOURCE = 'urn:daybook:api';
/** Names one of our services in `resource`: `urn:daybook:service:patient-service`. */
const SERVICE_RESOURCE = /^urn:daybook:service:([a-z][a-z-]{0,98}[a-z])$/;
/** The scope of a person's token for the API. What the person may do there depends on the role. */
const API_SCOPE = 'api';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const ACCESS_TOKEN_SECONDS = 5 * MINUTE;
/** The services go on for this time while this one is away, as the sessions at the gateway do. */
const SERVICE_TOKEN_SECONDS = 65 * MINUTE;
/** No session lives longer, and everything that a person was granted ends with the session. */
const SESSION_SECONDS = 24 * HOUR;

/** Gives a token the times of our clock, by which it is verified. oidc-provider reads that of the system. */
function timesBy(clock: Clock): (payload: { iat?: unknown; exp?: unknown }) => void {
  return (payload) => {
    const { iat, exp } = payload;
    if (typeof iat !== 'number' || typeof exp !== 'number')
      throw new Error('oidc-provider makes a token without times');
    const now = Math.floor(clock().epochMilliseconds / 1_000);
    payload.iat = now;
    payload.exp = now + (exp - iat);
  };
}

export interface IssuerDependencies {
  readonly publicUrl: URL;
  readonly clients: readonly ConfiguredClient[];
  readonly cookieNames: CookieNames;
  /** The secret that signs oidc-provider's own cookies. */
  readonly cookieKey: string;
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
}

/** Lets the compiler see that the members are there at this point of a request. */
function present<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`oidc-provider has no ${what} here`);
  return value;
}

export function createConfiguration(library: Library, dependencies: IssuerDependencies, keys: JWK[]): Configuration {
  const { errors, policy } = library;
  const setTimes = timesBy(dependencies.clock);
  const { accounts, sessions, cookieNames } = dependencies;

  /** Returns the session of the browser. A request without a prompt comes from a program, and not from a person. */
  const currentSession = async ({ req, oidc }: KoaContextWithOIDC): Promise<SignedIn | undefined> => {
    const id = cookieIn(req.headers.cookie, cookieNames.session);
    return id === undefined ? undefined : sessions.find(id, { isActive: !oidc.prompts.has('none') });
  };

  /**
   * Returns whether the person has to sign in. The session of oidc-provider never suffices: it counts only together
   * with a live session of ours, of the same account.
   */
  async function mustSignIn(ctx: KoaContextWithOIDC): Promise<boolean> {
    const session = present(ctx.oidc.session, 'session');
    const signedIn = await currentSession(ctx);
    if (signedIn === undefined || signedIn.account.id !== session.accountId) return true;
    return !(await sessions.attachOidc(session.uid, signedIn.session.handle));
  }

  const prompts = policy.base();
  const login = present(prompts.get('login'), 'login prompt');
  login.checks.add(
    new policy.Check('no_live_session', 'the person has to sign in', 'login_required', (ctx) =>
      translateUnavailable(library, mustSignIn(ctx)),
    ),
  );

  async function findAccountOf(sub: string, sessionUid: string | undefined) {
    if (sessionUid !== undefined) {
      const signedIn = await sessions.findByOidc(sessionUid);
      if (signedIn?.account.id !== sub) return undefined;
    }
    return accounts.findClaims(sub);
  }

  const findAccount: FindAccount = async (_ctx, sub, token) => {
    const sessionUid = token && 'sessionUid' in token ? token.sessionUid : undefined;
    const found = await translateUnavailable(library, findAccountOf(sub, sessionUid));
    if (!found) return undefined;
    const { email, displayName: name, locale } = found.account;
    return { accountId: sub, claims: () => ({ sub, email, name, locale }) };
  };

  /** The claims of a person's token. */
  async function personClaims(accountId: string, sessionUid: string | undefined) {
    const [found, signedIn] = [
      await accounts.findClaims(accountId),
      sessionUid === undefined ? undefined : await sessions.findByOidc(sessionUid),
    ];
    if (!found) throw new errors.InvalidGrant({ detail: 'the account cannot be used' });
    const { role, doctorId } = found.account;
    return {
      role,
      ...(found.patientIds.length > 0 && { patient_ids: found.patientIds }),
      ...(doctorId !== undefined && { doctor_id: doctorId }),
      ...(signedIn && {
        auth_time: Math.floor(signedIn.session.authenticatedAt.epochMilliseconds / 1_000),
        sid: signedIn.session.handle,
      }),
    };
  }

  function resourceServerOf(resource: string, client: { clientId: string; isService: boolean }) {
    const service = SERVICE_RESOURCE.exec(resource)?.[1];
    const common = { accessTokenTTL: ACCESS_TOKEN_SECONDS, accessTokenFormat: 'jwt' as const };
    if (client.isService && service !== undefined) {
      return {
        ...common,
        accessTokenTTL: SERVICE_TOKEN_SECONDS,
        audience: service,
        scope: operationsOf(client.clientId).join(' '),
      };
    }
    if (!client.isService && resource === API_RESOURCE)
      return { ...common, audience: PERSON_AUDIENCE, scope: API_SCOPE };
    throw new errors.InvalidTarget();
  }

  return {
    adapter: createAdapterFactory(library, dependencies.artifacts),
    clients: dependencies.clients.map(metadataOf),
    jwks: { keys },
    interactions: { policy: prompts, url: (_ctx, { uid }) => `/identity/interaction/${uid}` },
    findAccount,
    cookies: {
      names: {
        session: cookieNames.oidcSession,
        interaction: cookieNames.oidcInteraction,
        resume: cookieNames.oidcResume,
      },
      long: { httpOnly: true, sameSite: 'lax', path: '/', signed: true },
      short: { httpOnly: true, sameSite: 'lax', signed: true },
      keys: [dependencies.cookieKey],
    },
    claims: {
      openid: ['sub', 'amr', 'auth_time'],
      profile: ['name', 'locale'],
      email: ['email'],
      acr: null,
      sid: null,
      iss: null,
    },
    scopes: ['openid', 'profile', 'email'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'none'],
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'private_key_jwt',
    },
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256'],
      idTokenSigningAlgValues: ['ES256'],
      userinfoSigningAlgValues: ['ES256'],
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => logoutPage(ctx, form),
        postLogoutSuccessSource: async (ctx) => {
          ctx.body = signedOutPage(wordsAccepted(ctx.get('accept-language')));
        },
      },
      resourceIndicators: {
        enabled: true,
        // One of several, for a request that names none: only where there is no choice.
        defaultResource: async (_ctx, _client, oneOf = []) => (oneOf.length === 1 ? (oneOf[0] ?? []) : oneOf),
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, resource, client) =>
          resourceServerOf(resource, {
            clientId: client.clientId,
            isService: client.grantTypeAllowed('client_credentials'),
          }),
      },
    },
    async extraTokenClaims(_ctx, token) {
      if (token.kind === 'ClientCredentials') {
        // Without an audience or an operation, a token of a service would be good for nothing, or for too much.
        if (token.aud === undefined) throw new errors.InvalidTarget();
        if (!token.scope) throw new errors.InvalidScope('name at least one operation that the service may call', '');
        return { role: 'service' };
      }
      if (token.aud === undefined) return undefined;
      return translateUnavailable(library, personClaims(token.accountId, token.sessionUid));
    },
    formats: {
      customizers: {
        jwt(_ctx, token, { payload }) {
          // Our ids of tokens begin with a letter or a digit.
          payload.jti = randomUUID();
          setTimes(payload);
          if (token.kind === 'AccessToken') delete payload.scope;
        },
      },
    },
    async loadExistingGrant({ oidc }) {
      const client = present(oidc.client, 'client');
      const account = present(oidc.account, 'account');
      const session = present(oidc.session, 'session');
      const { Grant } = oidc.provider;
      const grantId = oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
      const existing = grantId === undefined ? undefined : await Grant.find(grantId);
      const grant =
        existing?.accountId === account.accountId
          ? existing
          : new Grant({ accountId: account.accountId, clientId: client.clientId });
      // The operator names all applications, so people are not asked what these may see.
      grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
      for (const [resource, { scopes }] of Object.entries(oidc.resourceServers ?? {})) {
        grant.addResourceScope(resource, [...scopes].join(' '));
      }
      await grant.save();
      return grant;
    },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => true,
    rotateRefreshToken: () => true,
    clientBasedCORS: () => false,
    ttl: {
      AccessToken: ACCESS_TOKEN_SECONDS,
      ClientCredentials: SERVICE_TOKEN_SECONDS,
      AuthorizationCode: MINUTE,
      IdToken: ACCESS_TOKEN_SECONDS,
      Interaction: 15 * MINUTE,
      Grant: SESSION_SECONDS,
      RefreshToken: SESSION_SECONDS,
      Session: SESSION_SECONDS,
    },
    async renderError(ctx, { error, error_description }) {
      const words = wordsAccepted(ctx.get('accept-language'));
      ctx.type = 'html';
      ctx.set(PAGE_HEADERS);
      ctx.body = failurePage(words, words.refusedTitle, `${error_description ?? ''} (${error})`.trim());
    },
  };
}
