/** The frame of every page, and the parts of forms. */
import { Html, html, NOTHING } from './html.ts';
import { SCRIPT_PATH } from './script.ts';
import { STYLE } from './style.ts';
import type { Words } from './words/words.ts';

export interface FormFault {
  /** The id of the field that is wrong, if it is one field. */
  readonly field?: string;
  readonly message: string;
}

export interface PageContent {
  readonly words: Words;
  readonly title: string;
  readonly body: Html;
  readonly faults?: readonly FormFault[];
  /** The path to continue at immediately. */
  readonly continueAt?: string;
  /** Whether the page has forms for passkeys. */
  readonly hasPasskeys?: boolean;
}

/** Lists the faults of a form. It takes the focus, so that a screen reader reads it first. */
const faultSummary = (words: Words, faults: readonly FormFault[]): Html => {
  if (faults.length === 0) return NOTHING;
  const items = faults.map(({ field, message }) =>
    field === undefined ? html`<li>${message}</li>` : html`<li><a href="#${field}">${message}</a></li>`,
  );
  return html`<div class="summary" role="alert" tabindex="-1" autofocus aria-labelledby="summary-title">
<p id="summary-title"><strong>${words.problem}</strong></p>
<ul>${items}</ul>
</div>
`;
};

export const renderPage = ({ words, title, body, faults = [], continueAt, hasPasskeys }: PageContent): string =>
  html`<!doctype html>
<html lang="${words.language}" dir="${words.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
${continueAt === undefined ? NOTHING : html`<meta http-equiv="refresh" content="0; url=${continueAt}">\n`}<title>${
    faults.length > 0 ? words.errorPrefix : ''
  }${title} – Daybook</title>
<style>${new Html(STYLE)}</style>
${hasPasskeys ? html`<script src="${SCRIPT_PATH}" defer></script>\n` : NOTHING}</head>
<body>
<main>
${faultSummary(words, faults)}<h1>${title}</h1>
${body}</main>
</body>
</html>
`.text;

export interface FieldOptions {
  readonly id: string;
  readonly label: string;
  readonly type: 'email' | 'password' | 'text' | 'date';
  readonly autocomplete: string;
  readonly hint?: string;
  readonly value?: string;
  readonly inputMode?: 'numeric';
  readonly maxLength?: number;
  readonly faults?: readonly FormFault[];
}

/** Renders a labelled input, with its hint and its fault. */
export function field(options: FieldOptions): Html {
  const { id, label, type, autocomplete, hint, value = '', inputMode, maxLength = 254, faults = [] } = options;
  const fault = faults.find((one) => one.field === id)?.message;
  const described = [hint !== undefined && `${id}-hint`, fault !== undefined && `${id}-fault`]
    .filter(Boolean)
    .join(' ');
  return html`<div class="field">
<label for="${id}">${label}</label>
${hint === undefined ? NOTHING : html`<p class="hint" id="${id}-hint">${hint}</p>\n`}${
  fault === undefined ? NOTHING : html`<p class="fault" id="${id}-fault">${fault}</p>\n`
}<input id="${id}" name="${id}" type="${type}" value="${value}" autocomplete="${autocomplete}" maxlength="${maxLength}" required${
    inputMode === undefined ? NOTHING : html` inputmode="${inputMode}"`
  }${described === '' ? NOTHING : html` aria-describedby="${described}"`}${
    fault === undefined ? NOTHING : html` aria-invalid="true"`
  } spellcheck="false" autocapitalize="none">
</div>
`;
}

/** Renders inputs that people do not see. */
export const hiddenFields = (values: Readonly<Record<string, string | undefined>>): Html[] =>
  Object.entries(values).map(([name, value]) =>
    value === undefined ? NOTHING : html`<input type="hidden" name="${name}" value="${value}">\n`,
  );

export interface PasskeyForm {
  readonly words: Words;
  readonly ceremony: 'create' | 'get';
  readonly action: string;
  /** The options of the ceremony, as JSON. */
  readonly options: string;
  readonly hidden: Readonly<Record<string, string | undefined>>;
  readonly label: string;
}

/** Renders a form that the script fills in. It is hidden without the script, and where there are no passkeys. */
export const passkeyForm = ({ words, ceremony, action, options, hidden, label }: PasskeyForm): Html =>
  html`<form method="post" action="${action}" data-passkey="${ceremony}" data-options="${options}" hidden>
${hiddenFields({ ...hidden, response: '' })}<p class="fault" role="alert" hidden>${words.passkeyFailed}</p>
<p><button type="submit" class="plain">${label}</button></p>
</form>
`;
