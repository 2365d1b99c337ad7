/** The pages of signing in and out. */
import { html, NOTHING } from './html.ts';
import { type FormFault, field, hiddenFields, renderPage } from './layout.ts';

interface FormPage {
  readonly formToken: string;
  readonly returnTo: string | undefined;
  readonly faults?: readonly FormFault[];
}

export const signInPage = ({ formToken, returnTo, faults = [], email }: FormPage & { email?: string }): string =>
  renderPage({
    title: 'Sign in',
    faults,
    body: html`<form method="post" action="/identity/sign-in" novalidate>
${hiddenFields({ form_token: formToken, return_to: returnTo })}${field({
  id: 'email',
  label: 'E-mail address',
  type: 'email',
  autocomplete: 'username',
  ...(email !== undefined && { value: email }),
  faults,
})}${field({ id: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', faults })}<button type="submit">Sign in</button>
</form>
<p class="hint">If you cannot sign in, the front desk or an administrator gives you a one-time link.</p>
`,
  });

export const codePage = ({ formToken, returnTo, faults = [] }: FormPage): string =>
  renderPage({
    title: 'Enter your code',
    faults,
    body: html`<form method="post" action="/identity/sign-in/code" novalidate>
${hiddenFields({ form_token: formToken, return_to: returnTo })}${field({
  id: 'code',
  label: 'Code',
  type: 'text',
  autocomplete: 'one-time-code',
  hint: 'The six digits that your authenticator app shows, or one of your recovery codes.',
  maxLength: 40,
  faults,
})}<button type="submit">Continue</button>
</form>
<p><a href="/identity/sign-in">Sign in with another account</a></p>
`,
  });

/** Continues at a path after a form. A redirect would count as part of the form, which may lead to this site only. */
export const continuePage = (path: string): string =>
  renderPage({
    title: 'Continue to the application',
    continueAt: path,
    body: html`<p><a href="${path}">Continue</a></p>\n`,
  });

export const signedOutPage = (): string =>
  renderPage({
    title: 'You are signed out',
    body: html`<p><a href="/identity/sign-in">Sign in again</a></p>\n`,
  });

/** Renders a failure. `reference` is what the person quotes when reporting it. */
export const failurePage = (title: string, detail: string, reference?: string): string =>
  renderPage({
    title,
    body: html`<p>${detail}</p>
${reference === undefined ? NOTHING : html`<p class="hint">Reference: <code>${reference}</code></p>\n`}<p><a href="/identity/sign-in">Sign in</a></p>
`,
  });

/** Asks before an application of a device gets an account, because another program can claim its address. */
export const confirmPage = (options: { formToken: string; uid: string; application: string; name: string }): string =>
  renderPage({
    title: `Continue to ${options.application}?`,
    body: html`<p><strong>${options.application}</strong> wants to use Daybook as <strong>${options.name}</strong>.
Continue only if you have just started this on your device.</p>
<form method="post" action="/identity/interaction/${options.uid}">
${hiddenFields({ form_token: options.formToken })}<button type="submit" name="decision" value="continue">Continue</button>
<button type="submit" name="decision" value="cancel" class="plain">Cancel</button>
</form>
`,
  });
