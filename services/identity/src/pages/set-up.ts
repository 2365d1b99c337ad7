/** The pages behind a one-time link: a person sets a password and, for the clinic's staff, an authenticator app. */
import { html, NOTHING } from './html.ts';
import { type FormFault, field, hiddenFields, renderPage } from './layout.ts';

export interface TotpSetup {
  /** In base 32, in groups of four. */
  readonly secretText: string;
  /** `otpauth://…`, for a device that has the app itself. */
  readonly address: string;
  /** The secret, sealed, for the response of the form. */
  readonly sealedSecret: string;
}

export interface SetUpPage {
  readonly title: string;
  readonly formToken: string;
  readonly linkToken: string;
  /** Present for the first administrator, whose account does not exist yet. */
  readonly person: { readonly email: string; readonly displayName: string } | undefined;
  readonly totp: TotpSetup | undefined;
  readonly faults?: readonly FormFault[];
}

const personFields = ({ person, faults = [] }: SetUpPage) =>
  person === undefined
    ? NOTHING
    : html`${field({
        id: 'email',
        label: 'E-mail address',
        type: 'email',
        autocomplete: 'username',
        hint: 'You sign in with it.',
        value: person.email,
        faults,
      })}${field({
        id: 'display_name',
        label: 'Name',
        type: 'text',
        autocomplete: 'name',
        value: person.displayName,
        maxLength: 200,
        faults,
      })}`;

const totpFields = ({ totp, faults = [] }: SetUpPage) =>
  totp === undefined
    ? NOTHING
    : html`<h2>Authenticator app</h2>
<p>Add an account to your authenticator app with this key, or <a href="${totp.address}">open the app on this device</a>.</p>
<p class="notice"><code>${totp.secretText}</code></p>
${hiddenFields({ totp_secret: totp.sealedSecret })}${field({
  id: 'code',
  label: 'Code',
  type: 'text',
  autocomplete: 'one-time-code',
  inputMode: 'numeric',
  hint: 'The six digits that the app shows now.',
  maxLength: 20,
  faults,
})}`;

export const setUpPage = (page: SetUpPage): string =>
  renderPage({
    title: page.title,
    faults: page.faults ?? [],
    body: html`<form method="post" action="/identity/link" novalidate>
${hiddenFields({ form_token: page.formToken, token: page.linkToken })}${personFields(page)}${field({
  id: 'password',
  label: 'New password',
  type: 'password',
  autocomplete: 'new-password',
  hint: 'At least 15 characters. Several words that do not belong together are good.',
  maxLength: 256,
  faults: page.faults ?? [],
})}${totpFields(page)}<button type="submit">Save and sign in</button>
</form>
`,
  });

export const linkEndedPage = (): string =>
  renderPage({
    title: 'This link has ended',
    body: html`<p>A link works once, and for 72 hours. Ask an administrator or the front desk for another one.</p>
<p><a href="/identity/sign-in">Sign in</a></p>
`,
  });

/** Shows recovery codes, once. */
export const recoveryCodesPage = (codes: readonly string[], continueAt: string): string =>
  renderPage({
    title: 'Keep your recovery codes',
    body: html`<p>Each of these codes replaces the code of your app once, if you lose your phone.
They are shown only now. Print them, or write them down.</p>
<ul class="codes">${codes.map((code) => html`<li>${code}</li>`)}</ul>
<p><a href="${continueAt}">I have kept them</a></p>
`,
  });
