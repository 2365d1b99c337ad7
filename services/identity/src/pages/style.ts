/** The style of all pages, embedded, so that a page needs no other file. Logical properties serve both directions. */
import { createHash } from 'node:crypto';

export const STYLE = `
:root { color-scheme: light dark; --page: light-dark(#f6f7f8, #15181b); --card: light-dark(#fff, #1e2226);
  --text: light-dark(#1b1f23, #e8eaec); --muted: light-dark(#59626b, #a3adb7); --line: light-dark(#8a949e, #6d7781);
  --action: light-dark(#0b5c8a, #7cc4ee); --on-action: light-dark(#fff, #10242f); --wrong: light-dark(#b3261e, #ffb4ab); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-inline-size: 32rem; margin-block: 2rem; margin-inline: auto; padding: 1.5rem; background: var(--card);
  border-radius: .5rem; }
h1 { margin-block: 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin-block: 1.5rem .5rem; font-size: 1.125rem; }
label { display: block; font-weight: 600; }
.field { margin-block-end: 1.25rem; }
.hint { margin-block: 0; color: var(--muted); }
.fault { margin-block: 0; color: var(--wrong); font-weight: 600; }
input { inline-size: 100%; padding: .5rem .75rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .25rem; }
input[aria-invalid=true] { border-color: var(--wrong); border-width: 2px; }
button, a.button { padding: .5rem 1rem; font: inherit; font-weight: 600; color: var(--on-action); background: var(--action);
  border: 1px solid transparent; border-radius: .25rem; cursor: pointer; }
button.plain { color: var(--action); background: transparent; border-color: currentColor; }
a { color: var(--action); }
a.button { display: inline-block; color: var(--on-action); text-decoration: none; }
summary { margin-block-end: 1rem; cursor: pointer; color: var(--action); }
:focus-visible { outline: 3px solid var(--action); outline-offset: 2px; }
.summary { margin-block-end: 1.5rem; padding: .75rem 1rem; border: 2px solid var(--wrong);
  border-inline-start-width: .5rem; border-radius: .25rem; }
.summary p, .summary ul { margin-block: 0; }
.notice { padding: .75rem 1rem; border-inline-start: .5rem solid var(--action); background: var(--page); }
code, .codes { font: 1rem/1.75 ui-monospace, monospace; overflow-wrap: anywhere; }
ul.plain { margin: 0; padding: 0; list-style: none; }
ul.plain > li { padding-block: .75rem; border-block-start: 1px solid var(--line); }
[hidden] { display: none; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-block-end: 1rem; }
main > :last-child { margin-block-end: 0; }
.notice h2 { margin-block: 0 .25rem; }
.notice p { margin-block: 0 .75rem; }
ul.choices { display: grid; gap: .5rem; margin: 0; padding: 0; list-style: none; }
button.wide { inline-size: 100%; text-align: start; }
form.inline { display: inline-block; margin-block-start: .25rem; }
`;

const digest = createHash('sha256').update(STYLE).digest('base64');

const policyWith = (script: string): string =>
  `default-src 'none'; style-src 'sha256-${digest}'; ${script}form-action 'self'; ` +
  "base-uri 'none'; frame-ancestors 'none'";

/** The headers of a page. Only its own style is loaded, and no script. Its forms lead to this site only. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': policyWith(''),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

/** The headers of a page with passkeys: also files of this site are scripts, and no text in the page is one. */
export const SCRIPT_PAGE_HEADERS: Readonly<Record<string, string>> = {
  ...PAGE_HEADERS,
  'content-security-policy': policyWith("script-src 'self'; "),
};
