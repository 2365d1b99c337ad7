/** The page that asks whether to sign out, when an application requests it. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { Html, html } from '../pages/html.ts';
import { renderPage } from '../pages/layout.ts';

/** @param form the form of oidc-provider, with its own token; its buttons are ours */
export function logoutPage(ctx: KoaContextWithOIDC, form: string): void {
  const application = ctx.oidc.client?.clientName;
  ctx.body = renderPage({
    title: 'Sign out of Daybook?',
    body: html`${application === undefined ? html`` : html`<p>${application} has signed you out.</p>\n`}${new Html(form)}
<p><button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button type="submit" form="op.logoutForm" class="plain">Stay signed in</button></p>
`,
  });
}
