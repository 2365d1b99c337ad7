/** The part of the sign-in page that only a demo has. */
import type { AccountRole } from '@daybook/contracts';
import { type Html, html, NOTHING } from './html.ts';
import { hiddenFields } from './layout.ts';
import type { Words } from './words/words.ts';

export const DEMO_SIGN_IN = '/identity/demo-sign-in';

/** A person that a visitor of the demo may continue as. */
export interface DemoButton {
  readonly role: AccountRole;
  readonly name: string;
}

export interface DemoPart {
  readonly words: Words;
  readonly formToken: string;
  readonly returnTo: string | undefined;
  readonly people: readonly DemoButton[];
}

const button = (words: Words, { role, name }: DemoButton): Html => html`<li>
<button type="submit" name="role" value="${role}" class="plain wide">${words.continueAs(name, words.roles[role])}</button>
</li>
`;

/** Renders the buttons of the demo, or nothing where there are none. */
export const demoPart = ({ words, formToken, returnTo, people }: DemoPart): Html =>
  people.length === 0
    ? NOTHING
    : html`<section class="notice" aria-labelledby="demo-title">
<h2 id="demo-title">${words.demoTitle}</h2>
<p>${words.demoHint}</p>
<form method="post" action="${DEMO_SIGN_IN}">
${hiddenFields({ form_token: formToken, return_to: returnTo })}<ul class="choices">
${people.map((person) => button(words, person))}</ul>
</form>
</section>
<h2>${words.ownAccount}</h2>
`;
