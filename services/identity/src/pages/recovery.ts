/** The pages for people who cannot sign in. They are the same whether an account exists or not. */
import { html } from './html.ts';
import { type FormFault, field, hiddenFields, renderPage } from './layout.ts';
import type { Words } from './words/words.ts';

export interface RecoveryPage {
  readonly words: Words;
  readonly formToken: string;
  /** Without mail, staff hand over links. */
  readonly hasMail: boolean;
  readonly email?: string;
  readonly faults?: readonly FormFault[];
}

export const recoveryPage = ({ words, formToken, hasMail, email = '', faults = [] }: RecoveryPage): string =>
  renderPage({
    words,
    title: words.recoveryTitle,
    faults,
    body: hasMail
      ? html`<p>${words.recoveryHint}</p>
<form method="post" action="/identity/recovery" novalidate>
${hiddenFields({ form_token: formToken })}${field({
  id: 'email',
  label: words.email,
  type: 'email',
  autocomplete: 'username',
  value: email,
  faults,
})}<button type="submit">${words.recoverySend}</button>
</form>
<p><a href="/identity/sign-in">${words.signIn}</a></p>
`
      : html`<p>${words.recoveryByDesk}</p>
<p><a href="/identity/sign-in">${words.signIn}</a></p>
`,
  });

export const recoverySentPage = (words: Words): string =>
  renderPage({
    words,
    title: words.recoverySentTitle,
    body: html`<p>${words.recoverySent}</p>
<p><a href="/identity/sign-in">${words.signIn}</a></p>
`,
  });
