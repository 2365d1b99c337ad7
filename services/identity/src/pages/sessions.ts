/** The page of a person's sessions. */
import type { Session } from '../store/sessions.ts';
import { type Html, html, NOTHING } from './html.ts';
import { hiddenFields, renderPage } from './layout.ts';

export interface SessionsPage {
  readonly formToken: string;
  readonly displayName: string;
  readonly sessions: readonly Session[];
  readonly currentHandle: string;
  /** Undefined without a second factor. */
  readonly recoveryCodesLeft: number | undefined;
}

function time(instant: Temporal.Instant): Html {
  const text = instant.toString({ smallestUnit: 'minute' });
  return html`<time datetime="${text}">${text.replace('T', ' ').replace('Z', ' UTC')}</time>`;
}

const item = ({ formToken, currentHandle }: SessionsPage, session: Session): Html => html`<li>
<strong>${session.device}</strong>${session.handle === currentHandle ? html` (this one)` : NOTHING}<br>
<span class="hint">Signed in ${time(session.authenticatedAt)}, last used ${time(session.lastActiveAt)}</span><br>
${
  session.handle === currentHandle
    ? NOTHING
    : html`<form class="inline" method="post" action="/identity/sessions/end">
${hiddenFields({ form_token: formToken, session: session.handle })}<button type="submit" class="plain" aria-label="Sign out there: ${session.device}">Sign out there</button>
</form>`
}
</li>
`;

export const sessionsPage = (page: SessionsPage): string =>
  renderPage({
    title: 'Where you are signed in',
    body: html`<p>You are ${page.displayName}.</p>
${
  page.recoveryCodesLeft === undefined
    ? NOTHING
    : html`<p class="hint">You have ${page.recoveryCodesLeft} unused recovery codes.</p>\n`
}<ul class="plain">
${page.sessions.map((session) => item(page, session))}</ul>
${
  page.sessions.length > 1
    ? html`<form method="post" action="/identity/sessions/end-others">
${hiddenFields({ form_token: page.formToken })}<p><button type="submit" class="plain">Sign out everywhere else</button></p>
</form>
`
    : NOTHING
}<form method="post" action="/identity/sign-out">
${hiddenFields({ form_token: page.formToken })}<button type="submit">Sign out</button>
</form>
`,
  });
