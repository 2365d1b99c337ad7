/** `GET /login` leads to the sign-in of identity, and `POST /logout` ends the session of the browser. */
import type { App } from '@daybook/service';
import { Type } from 'typebox';
import type { GatewayAuthentication } from '../authentication/authentication.ts';
import { CUSTOM_HEADER } from '../authentication/cross-site.ts';

const SIGN_IN = '/identity/sign-in';
const BASE = 'http://local.invalid';
const FORM_LIMIT_BYTES = 1024;

const Query = Type.Object({ return_to: Type.Optional(Type.String({ maxLength: 2_000 })) });

/** Returns whether a text is a path of this site. Browsers read `//host` and `/\host` as other sites. */
function isLocalPath(text: string): boolean {
  const url = /^\/(?![/\\])[\x21-\x7e]*$/.test(text) ? URL.parse(text, BASE) : null;
  return url?.origin === BASE && !url.pathname.startsWith('//');
}

export function addSignIn(app: App, authentication: Pick<GatewayAuthentication, 'signOut'>): void {
  app.get('/login', { schema: { hide: true, querystring: Query } }, async (request, reply) => {
    const { return_to: returnTo } = request.query;
    const isKept = returnTo !== undefined && isLocalPath(returnTo);
    const query = isKept ? `?${new URLSearchParams({ return_to: returnTo })}` : '';
    return reply.redirect(`${SIGN_IN}${query}`, 303);
  });

  void app.register(async (forms) => {
    // The form of a page may have fields, which mean nothing here.
    forms.removeAllContentTypeParsers();
    forms.addContentTypeParser('*', { parseAs: 'buffer' }, async () => undefined);
    const options = { schema: { hide: true }, bodyLimit: FORM_LIMIT_BYTES };
    forms.post('/logout', options, async (request, reply) => {
      const { setCookie, failure } = await authentication.signOut(request.raw);
      reply.header('set-cookie', setCookie);
      if (failure) throw failure;
      const isScript = request.headers[CUSTOM_HEADER] !== undefined;
      return isScript ? reply.code(204).send() : reply.redirect('/', 303);
    });
  });
}
