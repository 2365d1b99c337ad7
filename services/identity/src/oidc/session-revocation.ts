/**
 * Lets the gateway end a person's session, as it would revoke a token (RFC 7009): the hint names the type of the session,
 * which oidc-provider does not know. The response does not reveal whether the session existed.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { SessionStore } from '../store/sessions.ts';
import { translateUnavailable } from './adapter.ts';
import type { Library } from './library.ts';
import { GATEWAY, SESSION_TOKEN } from './session-exchange.ts';

export function addSessionRevocation(provider: Provider, library: Library, sessions: Pick<SessionStore, 'end'>): void {
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path !== '/token/revocation' || ctx.status !== 200) return;
    // Undefined where no route matched. The client is there only after its key has proven it.
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    const { token, token_type_hint: hint } = oidc?.params ?? {};
    if (oidc?.client?.clientId !== GATEWAY || hint !== SESSION_TOKEN || typeof token !== 'string') return;
    try {
      await translateUnavailable(library, sessions.end(token));
    } catch (error) {
      if (!(error instanceof library.errors.TemporarilyUnavailable)) throw error;
      ctx.status = 503;
      ctx.body = { error: error.error };
    }
  });
}
