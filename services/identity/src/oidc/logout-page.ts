/** The page that asks whether to sign out, when an application requests it. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { Html, html } from '../pages/html.ts';
import { renderPage } from '../pages/layout.ts';
import { wordsAccepted } from '../pages/words/words.ts';

/** @param form the form of oidc-provider, with its own token; its buttons are ours */
export function logoutPage(ctx: KoaContextWithOIDC, form: string): void {
  const application = ctx.oidc.client?.clientName;
  const words = wordsAccepted(ctx.get('accept-language'));
  ctx.body = renderPage({
    words,
    title: words.signOutTitle,
    body: html`${application === undefined ? html`` : html`<p>${words.signedYouOut(application)}</p>\n`}${new Html(form)}
<p><button type="submit" form="op.logoutForm" name="logout" value="yes">${words.signOut}</button>
<button type="submit" form="op.logoutForm" class="plain">${words.staySignedIn}</button></p>
`,
  });
}
