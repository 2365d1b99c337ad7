/** The page of a person's sessions, and what the pages of the account share. */
import type { Session } from '../store/sessions.ts';
import { type Html, html, NOTHING } from './html.ts';
import { hiddenFields, renderPage } from './layout.ts';
import type { Words } from './words/words.ts';

export interface SessionsPage {
  readonly words: Words;
  readonly formToken: string;
  readonly displayName: string;
  readonly isPatient: boolean;
  readonly sessions: readonly Session[];
  readonly currentHandle: string;
  /** Undefined without a second factor. */
  readonly recoveryCodesLeft: number | undefined;
}

/** Returns an instant as people read it, in UTC because the zone of the browser is not known. */
export const timeText = (instant: Temporal.Instant): string =>
  instant.toString({ smallestUnit: 'minute' }).replace('T', ' ').replace('Z', ' UTC');

/** Links to the pages of the account. */
export const accountLinks = (words: Words, isPatient: boolean): Html => html`<nav aria-label="${words.accountLinks}">
<a href="/identity/sessions">${words.sessionsTitle}</a>
<a href="/identity/passkeys">${words.passkeysTitle}</a>
<a href="/identity/password">${words.changePasswordTitle}</a>
${isPatient ? html`<a href="/identity/link-record">${words.linkRecordTitle}</a>\n` : NOTHING}</nav>
`;

const item = ({ words, formToken, currentHandle }: SessionsPage, session: Session): Html => html`<li>
<strong>${session.device}</strong>${session.handle === currentHandle ? html` ${words.thisSession}` : NOTHING}<br>
<span class="hint">${words.sessionTimes(timeText(session.authenticatedAt), timeText(session.lastActiveAt))}</span><br>
${
  session.handle === currentHandle
    ? NOTHING
    : html`<form class="inline" method="post" action="/identity/sessions/end">
${hiddenFields({ form_token: formToken, session: session.handle })}<button type="submit" class="plain" aria-label="${words.signOutThere}: ${session.device}">${words.signOutThere}</button>
</form>`
}
</li>
`;

export const sessionsPage = (page: SessionsPage): string => {
  const { words, formToken, displayName, isPatient, sessions, recoveryCodesLeft } = page;
  return renderPage({
    words,
    title: words.sessionsTitle,
    body: html`${accountLinks(words, isPatient)}<p>${words.youAre(displayName)}</p>
${
  recoveryCodesLeft === undefined ? NOTHING : html`<p class="hint">${words.recoveryCodesLeft(recoveryCodesLeft)}</p>\n`
}<ul class="plain">
${sessions.map((session) => item(page, session))}</ul>
${
  sessions.length > 1
    ? html`<form method="post" action="/identity/sessions/end-others">
${hiddenFields({ form_token: formToken })}<p><button type="submit" class="plain">${words.signOutElsewhere}</button></p>
</form>
`
    : NOTHING
}<form method="post" action="/identity/sign-out">
${hiddenFields({ form_token: formToken })}<button type="submit">${words.signOut}</button>
</form>
`,
  });
};
