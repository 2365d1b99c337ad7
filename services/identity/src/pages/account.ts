/** The pages of a person's account: passkeys, the password, and linking a patient record. */
import type { Passkey } from '../store/passkeys.ts';
import { type Html, html, NOTHING } from './html.ts';
import { type FormFault, field, hiddenFields, passkeyForm, renderPage } from './layout.ts';
import { accountLinks, timeText } from './sessions.ts';
import type { Words } from './words/words.ts';

interface AccountPage {
  readonly words: Words;
  readonly formToken: string;
  readonly isPatient: boolean;
  readonly faults?: readonly FormFault[];
}

export interface PasskeysPage extends AccountPage {
  readonly passkeys: readonly Passkey[];
  /** The options of a passkey, as JSON. Undefined where no browser offers passkeys. */
  readonly creationOptions: string | undefined;
}

const addPasskeyPart = ({ words, formToken, creationOptions }: PasskeysPage): Html =>
  creationOptions === undefined
    ? html`<p class="notice">${words.passkeyNeedsName}</p>\n`
    : html`${passkeyForm({
        words,
        ceremony: 'create',
        action: '/identity/passkeys/add',
        options: creationOptions,
        hidden: { form_token: formToken },
        label: words.addPasskey,
      })}<noscript><p>${words.passkeyNeedsScript}</p></noscript>
`;

export const passkeysPage = (page: PasskeysPage): string => {
  const { words, formToken, isPatient, passkeys, faults = [] } = page;
  const items = passkeys.map(
    ({ label, credentialId, createdAt, lastUsedAt }) => html`<li>
<strong>${label}</strong><br>
<span class="hint">${words.passkeyAdded(timeText(createdAt))}${
      lastUsedAt ? `, ${words.passkeyUsed(timeText(lastUsedAt))}` : ''
    }</span><br>
<form class="inline" method="post" action="/identity/passkeys/remove">
${hiddenFields({ form_token: formToken, passkey: credentialId })}<button type="submit" class="plain" aria-label="${words.removePasskey}: ${label}">${words.removePasskey}</button>
</form>
</li>
`,
  );
  return renderPage({
    words,
    title: words.passkeysTitle,
    faults,
    hasPasskeys: true,
    body: html`${accountLinks(words, isPatient)}<p>${words.insteadHint}</p>
${items.length === 0 ? html`<p class="hint">${words.noPasskeys}</p>\n` : html`<ul class="plain">\n${items}</ul>\n`}${addPasskeyPart(page)}`,
  });
};

export interface PasswordPage extends AccountPage {
  readonly hasPassword: boolean;
  readonly isChanged?: boolean;
}

export const passwordPage = ({
  words,
  formToken,
  isPatient,
  hasPassword,
  isChanged,
  faults = [],
}: PasswordPage): string => {
  const form = html`<form method="post" action="/identity/password" novalidate>
${hiddenFields({ form_token: formToken })}${field({
  id: 'present_password',
  label: words.presentPassword,
  type: 'password',
  autocomplete: 'current-password',
  maxLength: 256,
  faults,
})}${field({
  id: 'password',
  label: words.newPassword,
  type: 'password',
  autocomplete: 'new-password',
  hint: words.newPasswordHint,
  maxLength: 256,
  faults,
})}<button type="submit">${words.changePassword}</button>
</form>
`;
  return renderPage({
    words,
    title: words.changePasswordTitle,
    faults,
    body: html`${accountLinks(words, isPatient)}${
      isChanged ? html`<p class="notice" role="status">${words.passwordChanged}</p>\n` : NOTHING
    }${hasPassword ? form : html`<p>${words.noPassword}</p>\n`}`,
  });
};

/** Stands in the place of passwords and passkeys for a person who signs in at a foreign issuer. */
export const foreignCredentialsPage = (words: Words, isPatient: boolean): string =>
  renderPage({
    words,
    title: words.foreignCredentialsTitle,
    body: html`${accountLinks(words, isPatient)}<p>${words.foreignCredentials}</p>\n`,
  });

export interface LinkRecordPage extends AccountPage {
  readonly isLinked?: boolean;
  readonly birthDate?: string;
}

export const linkRecordPage = ({
  words,
  formToken,
  isPatient,
  isLinked,
  birthDate = '',
  faults = [],
}: LinkRecordPage): string =>
  renderPage({
    words,
    title: words.linkRecordTitle,
    faults,
    body: html`${accountLinks(words, isPatient)}${
      isLinked ? html`<p class="notice" role="status">${words.recordLinked}</p>\n` : NOTHING
    }<p>${words.linkRecordHint}</p>
<form method="post" action="/identity/link-record" novalidate>
${hiddenFields({ form_token: formToken })}${field({
  id: 'code',
  label: words.code,
  type: 'text',
  autocomplete: 'off',
  hint: words.linkCodeHint,
  maxLength: 40,
  faults,
})}${field({
  id: 'birth_date',
  label: words.birthDate,
  type: 'date',
  autocomplete: 'off',
  hint: words.birthDateHint,
  value: birthDate,
  maxLength: 10,
  faults,
})}<button type="submit">${words.linkRecord}</button>
</form>
`,
  });
