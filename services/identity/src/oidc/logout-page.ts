/** The page that asks whether to sign out, when an application requests it. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { Html, html } from '../pages/html.ts';
import { renderPage } from '../pages/layout.ts';
import { pageHeaders } from '../pages/style.ts';

/** @param form the form of oidc-provider, with its own token; its buttons are ours */
export function logoutPage(ctx: KoaContextWithOIDC, form: string): void {
  const application = ctx.oidc.client?.clientName;
  const leadsTo = ctx.oidc.params?.post_logout_redirect_uri;
  const origins = typeof leadsTo === 'string' && URL.canParse(leadsTo) ? [new URL(leadsTo).origin] : [];
  ctx.set(pageHeaders(origins));
  ctx.body = renderPage({
    title: 'Sign out of Daybook?',
    body: html`${application === undefined ? html`` : html`<p>${application} has signed you out.</p>\n`}${new Html(form)}
<p><button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button type="submit" form="op.logoutForm" class="plain">Stay signed in</button></p>
`,
  });
}
