/** The pages of signing in and out. */
import { type DemoButton, demoPart } from './demo.ts';
import { type Html, html, NOTHING } from './html.ts';
import { type FormFault, field, hiddenFields, passkeyForm, renderPage } from './layout.ts';
import type { Words } from './words/words.ts';

/** Where a sign-in at the foreign issuer begins. */
export const FOREIGN_SIGN_IN = '/identity/foreign/sign-in';

interface FormPage {
  readonly words: Words;
  readonly formToken: string;
  readonly returnTo: string | undefined;
  readonly faults?: readonly FormFault[];
}

export interface SignInPage extends FormPage {
  readonly email?: string;
  /** Whether the person is signed in already, and has to show that nobody else sits there. */
  readonly isStepUp?: boolean;
  /** The options of a passkey, as JSON. Undefined where no browser offers passkeys. */
  readonly passkeyOptions: string | undefined;
  /** The people of a demo. */
  readonly demo: readonly DemoButton[];
  /** The host of the foreign issuer, if there is one. */
  readonly foreignHost?: string | undefined;
}

/** Leads to the foreign issuer first. Accounts of Daybook itself, such as that for emergencies, sign in below. */
function foreignFirst({ words, returnTo, faults = [], foreignHost }: SignInPage, local: Html): Html {
  if (foreignHost === undefined) return local;
  const query = returnTo === undefined ? '' : `?${new URLSearchParams({ return_to: returnTo })}`;
  return html`<p><a class="button" href="${FOREIGN_SIGN_IN}${query}">${words.withForeign(foreignHost)}</a></p>
<details${faults.length > 0 ? html` open` : NOTHING}>
<summary>${words.withoutForeign}</summary>
${local}</details>
`;
}

const passkeyPart = ({ words, formToken, returnTo, passkeyOptions }: SignInPage): Html =>
  passkeyOptions === undefined
    ? NOTHING
    : passkeyForm({
        words,
        ceremony: 'get',
        action: '/identity/passkey/sign-in',
        options: passkeyOptions,
        hidden: { form_token: formToken, return_to: returnTo },
        label: words.withPasskey,
      });

export const signInPage = (page: SignInPage): string => {
  const { words, formToken, returnTo, faults = [], isStepUp, demo } = page;
  const hint = isStepUp ? html`<p>${words.stepUpHint}</p>\n` : NOTHING;
  return renderPage({
    words,
    title: words.signInTitle,
    faults,
    hasPasskeys: true,
    body: html`${hint}${demoPart({ words, formToken, returnTo, people: demo })}${foreignFirst(page, localSignIn(page))}`,
  });
};

const localSignIn = (page: SignInPage): Html => {
  const { words, formToken, returnTo, faults = [], email } = page;
  return html`${passkeyPart(page)}<form method="post" action="/identity/sign-in" novalidate>
${hiddenFields({ form_token: formToken, return_to: returnTo })}${field({
  id: 'email',
  label: words.email,
  type: 'email',
  autocomplete: 'username',
  ...(email !== undefined && { value: email }),
  faults,
})}${field({ id: 'password', label: words.password, type: 'password', autocomplete: 'current-password', faults })}<button type="submit">${words.signIn}</button>
</form>
<p><a href="/identity/recovery">${words.forgot}</a></p>
<p class="hint">${words.signInHint}</p>
`;
};

export const codePage = ({ words, formToken, returnTo, faults = [] }: FormPage): string =>
  renderPage({
    words,
    title: words.codeTitle,
    faults,
    body: html`<form method="post" action="/identity/sign-in/code" novalidate>
${hiddenFields({ form_token: formToken, return_to: returnTo })}${field({
  id: 'code',
  label: words.code,
  type: 'text',
  autocomplete: 'one-time-code',
  hint: words.codeHint,
  maxLength: 40,
  faults,
})}<button type="submit">${words.continue}</button>
</form>
<p><a href="/identity/sign-in">${words.anotherAccount}</a></p>
`,
  });

/** Continues at a path after a form. A redirect would count as part of the form, which may lead to this site only. */
export const continuePage = (words: Words, path: string): string =>
  renderPage({
    words,
    title: words.continueTitle,
    continueAt: path,
    body: html`<p><a href="${path}">${words.continue}</a></p>\n`,
  });

export const signedOutPage = (words: Words): string =>
  renderPage({
    words,
    title: words.signedOutTitle,
    body: html`<p><a href="/identity/sign-in">${words.signInAgain}</a></p>\n`,
  });

/** Renders a failure. `reference` is what the person quotes when reporting it. */
export const failurePage = (words: Words, title: string, detail: string, reference?: string): string =>
  renderPage({
    words,
    title,
    body: html`<p>${detail}</p>
${reference === undefined ? NOTHING : html`<p class="hint">${words.reference}<code>${reference}</code></p>\n`}<p><a href="/identity/sign-in">${words.signIn}</a></p>
`,
  });

export interface ConfirmPage {
  readonly words: Words;
  readonly formToken: string;
  readonly uid: string;
  readonly application: string;
  readonly name: string;
}

/** Asks before an application of a device gets an account, because another program can claim its address. */
export const confirmPage = ({ words, formToken, uid, application, name }: ConfirmPage): string =>
  renderPage({
    words,
    title: words.confirmTitle(application),
    body: html`<p>${words.confirmDetail(application, name)}</p>
<form method="post" action="/identity/interaction/${uid}">
${hiddenFields({ form_token: formToken })}<button type="submit" name="decision" value="continue">${words.continue}</button>
<button type="submit" name="decision" value="cancel" class="plain">${words.cancel}</button>
</form>
`,
  });
