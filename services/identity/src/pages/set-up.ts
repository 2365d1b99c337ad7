/** The pages behind a one-time link: a person sets a password and, for the clinic's staff, an authenticator app. */
import { html, NOTHING } from './html.ts';
import { type FormFault, field, hiddenFields, passkeyForm, renderPage } from './layout.ts';
import type { Words } from './words/words.ts';

export interface TotpSetup {
  /** In base 32, in groups of four. */
  readonly secretText: string;
  /** `otpauth://…`, for a device that has the app itself. */
  readonly address: string;
  /** The secret, sealed, for the response of the form. */
  readonly sealedSecret: string;
}

export interface SetUpPage {
  readonly words: Words;
  readonly title: string;
  readonly formToken: string;
  readonly linkToken: string;
  /** Present for the first administrator, whose account does not exist yet. */
  readonly person: { readonly email: string; readonly displayName: string } | undefined;
  readonly totp: TotpSetup | undefined;
  /** The options of a new passkey, as JSON. Undefined for an account that does not exist yet. */
  readonly passkeyOptions: string | undefined;
  readonly faults?: readonly FormFault[];
}

const personFields = ({ words, person, faults = [] }: SetUpPage) =>
  person === undefined
    ? NOTHING
    : html`${field({
        id: 'email',
        label: words.email,
        type: 'email',
        autocomplete: 'username',
        hint: words.signInName,
        value: person.email,
        faults,
      })}${field({
        id: 'display_name',
        label: words.name,
        type: 'text',
        autocomplete: 'name',
        value: person.displayName,
        maxLength: 200,
        faults,
      })}`;

const totpFields = ({ words, totp, faults = [] }: SetUpPage) =>
  totp === undefined
    ? NOTHING
    : html`<h2>${words.appTitle}</h2>
<p>${words.appKey} <a href="${totp.address}">${words.openApp}</a></p>
<p class="notice"><code>${totp.secretText}</code></p>
${hiddenFields({ totp_secret: totp.sealedSecret })}${field({
  id: 'code',
  label: words.code,
  type: 'text',
  autocomplete: 'one-time-code',
  inputMode: 'numeric',
  hint: words.appCodeHint,
  maxLength: 20,
  faults,
})}`;

const passkeyPart = ({ words, passkeyOptions, formToken, linkToken }: SetUpPage) =>
  passkeyOptions === undefined
    ? NOTHING
    : html`<h2>${words.insteadOfPassword}</h2>
<p>${words.insteadHint}</p>
${passkeyForm({
  words,
  ceremony: 'create',
  action: '/identity/passkey/set-up',
  options: passkeyOptions,
  hidden: { form_token: formToken, token: linkToken },
  label: words.usePasskey,
})}<noscript><p>${words.passkeyNeedsScript}</p></noscript>
`;

export const setUpPage = (page: SetUpPage): string =>
  renderPage({
    words: page.words,
    title: page.title,
    faults: page.faults ?? [],
    hasPasskeys: true,
    body: html`<form method="post" action="/identity/link" novalidate>
${hiddenFields({ form_token: page.formToken, token: page.linkToken })}${personFields(page)}${field({
  id: 'password',
  label: page.words.newPassword,
  type: 'password',
  autocomplete: 'new-password',
  hint: page.words.newPasswordHint,
  maxLength: 256,
  faults: page.faults ?? [],
})}${totpFields(page)}<button type="submit">${page.words.saveAndSignIn}</button>
</form>
${passkeyPart(page)}`,
  });

export const linkEndedPage = (words: Words): string =>
  renderPage({
    words,
    title: words.linkEndedTitle,
    body: html`<p>${words.linkEnded}</p>
<p><a href="/identity/sign-in">${words.signIn}</a></p>
`,
  });

/** Shows recovery codes, once. */
export const recoveryCodesPage = (words: Words, codes: readonly string[], continueAt: string): string =>
  renderPage({
    words,
    title: words.keepCodesTitle,
    body: html`<p>${words.keepCodes} ${words.keepCodesNow}</p>
<ul class="codes">${codes.map((code) => html`<li>${code}</li>`)}</ul>
<p><a href="${continueAt}">${words.codesKept}</a></p>
`,
  });
