/** The issuer: oidc-provider with our keys, made on first use and made again when the keys change. */
import { ALGORITHM } from '@daybook/access';
import { issuerOf, type Logger } from '@daybook/service';
import type { JWK, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { KeyRing } from '../domain/key-schedule.ts';
import { type Cookies, cookieIn } from '../http/cookies.ts';
import type { SigningRing } from '../keys/signing-ring.ts';
import type { StoredKey } from '../store/signing-keys.ts';
import { translateUnavailable } from './adapter.ts';
import { createConfiguration, type IssuerDependencies } from './configuration.ts';
import { type Library, loadLibrary } from './library.ts';
import { addSessionExchange } from './session-exchange.ts';
import { addSessionRevocation } from './session-revocation.ts';

export interface Issuer {
  /**
   * Returns the provider with the present keys. An older one finishes the requests that it has.
   * @throws DatabaseUnavailable when the keys cannot be read
   */
  provider(): Promise<Provider>;
  /**
   * Returns the handler of requests, by that provider.
   * @throws DatabaseUnavailable when the keys cannot be read
   */
  handler(): Promise<ReturnType<Provider['callback']>>;
  library(): Promise<Library>;
}

export interface IssuerOptions extends IssuerDependencies {
  readonly ring: SigningRing;
  readonly cookies: Cookies;
  readonly logger: Logger;
}

/** A provider, and the keys that it has. */
interface Made {
  readonly keyIds: string;
  readonly provider: Provider;
  readonly handler: ReturnType<Provider['callback']>;
}

/** oidc-provider signs with the first key, and verifies its own tokens with all of them. */
const jwksOf = ({ current, next, retired }: KeyRing<StoredKey>): JWK[] =>
  [current, ...(next ? [next] : []), ...retired].map(({ keyId, privateJwk: { kty, crv, x, y, d } }) => ({
    ...{ kty, crv, x, y, d },
    kid: keyId,
    alg: ALGORITHM,
    use: 'sig',
  }));

/** Makes the provider believe that requests came to the public address, which is the only one that is in its URLs. */
function fixAddress(provider: Provider, { protocol, host }: URL): void {
  Object.defineProperties(provider.request, {
    protocol: { get: () => protocol.slice(0, -1) },
    host: { get: () => host },
  });
}

type OidcContext = KoaContextWithOIDC['oidc'];

/**
 * Lets the form of a page lead to the application that the provider has accepted the address of. Browsers apply
 * `form-action` to the redirects after a form, too.
 */
function allowForms(
  { path, response }: Pick<KoaContextWithOIDC, 'path' | 'response'>,
  oidc: OidcContext | undefined,
): void {
  const { post_logout_redirect_uri, redirect_uri } = oidc?.params ?? {};
  const target = path.startsWith('/session/end') ? post_logout_redirect_uri : redirect_uri;
  const policy = response.get('content-security-policy');
  if (response.type !== 'text/html' || typeof policy !== 'string' || typeof target !== 'string') return;
  const { protocol, origin } = URL.parse(target) ?? { protocol: '', origin: 'null' };
  const source = origin === 'null' ? protocol : origin;
  response.set('content-security-policy', policy.replace("form-action 'self'", `form-action 'self' ${source}`));
}

export function createIssuer(options: IssuerOptions): Issuer {
  const { publicUrl, ring, sessions, cookies, logger } = options;
  let loading: Promise<Library> | undefined;
  let made: Made | undefined;

  async function library(): Promise<Library> {
    loading ??= loadLibrary();
    try {
      return await loading;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  }

  /** Adds what is ours to the responses of the provider. */
  function wrap(provider: Provider, library: Library): void {
    provider.use(async (ctx, next) => {
      await next();
      if (ctx.status === 503) ctx.set('retry-after', '1');
      // Undefined where no route matched.
      const oidc: OidcContext | undefined = ctx.oidc;
      allowForms(ctx, oidc);
      // An application has signed the person out, which ends our own session, too.
      if (ctx.path !== '/session/end/confirm' || ctx.status !== 303 || !oidc?.params?.logout) return;
      const id = cookieIn(ctx.req.headers.cookie, cookies.names.session);
      if (id === undefined) return;
      const signedIn = await translateUnavailable(library, sessions.find(id, { isActive: false }));
      // oidc-provider also confirms by itself when another account signs in.
      if (signedIn?.account.id !== oidc.session?.accountId) return;
      await translateUnavailable(library, sessions.end(id));
      ctx.append('set-cookie', cookies.removalOf(cookies.names.session));
    });
  }

  function make(library: Library, keys: JWK[]): Provider {
    const provider = new library.Provider(issuerOf(publicUrl), createConfiguration(library, options, keys));
    fixAddress(provider, publicUrl);
    addSessionExchange(provider, library, { ...options, issuer: issuerOf(publicUrl) });
    wrap(provider, library);
    addSessionRevocation(provider, library, sessions);
    const logFailure = (error: unknown) => logger.error({ err: error }, 'unexpected error');
    provider.on('server_error', (_ctx, error) => logFailure(error));
    provider.onerror = logFailure;
    return provider;
  }

  async function current(): Promise<Made> {
    const [loaded, keys] = [await library(), jwksOf(await ring.read())];
    const keyIds = keys.map(({ kid }) => kid).join(' ');
    if (made?.keyIds === keyIds) return made;
    const provider = make(loaded, keys);
    made = { keyIds, provider, handler: provider.callback() };
    return made;
  }

  return {
    library,
    provider: async () => (await current()).provider,
    handler: async () => (await current()).handler,
  };
}
