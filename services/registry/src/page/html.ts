/** Renders the page as text. Escapes all data of instances, because it is not trusted. */
import type { InstanceDocument } from '../domain/lease.ts';

export interface PageContent {
  readonly instances: readonly InstanceDocument[];
  readonly isPreserving: boolean;
  readonly nowMillis: number;
}

/** A page is for people. `/eureka/apps` returns longer lists. */
const MAX_ROWS = 500;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

/** Text that is already HTML. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
type TemplateValue = string | number | Html | readonly Html[];

const textOf = (part: TemplateValue): string => {
  if (part instanceof Html) return part.text;
  return typeof part === 'object' ? part.map(({ text }) => text).join('') : escaped(String(part));
};

const html = ({ raw }: TemplateStringsArray, ...values: readonly TemplateValue[]): Html =>
  new Html(String.raw({ raw }, ...values.map(textOf)));

const STATUS_LABELS: Readonly<Record<string, string>> = {
  UP: 'up',
  DOWN: 'down',
  STARTING: 'starting',
  OUT_OF_SERVICE: 'out of service',
  UNKNOWN: 'unknown',
};

/** Renders a time as `3 min ago`, with the full time as a tooltip. */
function time(millis: number, nowMillis: number): Html {
  if (millis <= 0) return html`not yet`;
  const seconds = Math.max(0, Math.round((nowMillis - millis) / 1000));
  const [unit, size] = (
    [
      ['d', 86_400],
      ['h', 3600],
      ['min', 60],
    ] as const
  ).find(([, s]) => seconds >= 2 * s) ?? ['s', 1];
  const at = Temporal.Instant.fromEpochMilliseconds(millis).toString({ smallestUnit: 'second' });
  return html`<time datetime="${at}" title="${at}">${Math.floor(seconds / size)} ${unit} ago</time>`;
}

const addressOf = ({ hostName, port, securePort }: InstanceDocument): string =>
  port['@enabled'] === 'true' ? `${hostName}:${port.$}` : `${hostName}:${securePort.$}`;

function action({ app, instanceId, overriddenStatus }: InstanceDocument): Html {
  const path = `/eureka/apps/${encodeURIComponent(app)}/${encodeURIComponent(instanceId)}/status`;
  return overriddenStatus === 'OUT_OF_SERVICE'
    ? html`<button hidden data-method="DELETE" data-path="${path}">Put back into service</button>`
    : html`<button hidden data-method="PUT" data-path="${path}?value=OUT_OF_SERVICE">Take out of service</button>`;
}

function row(instance: InstanceDocument, nowMillis: number): Html {
  const { instanceId, status, leaseInfo } = instance;
  const metadata: Readonly<Record<string, string>> = instance.metadata;
  return html`<tr>
<td>${instanceId}<br><span class="muted">${addressOf(instance)}</span></td>
<td class="${status === 'UP' ? 'UP' : 'away'}">${STATUS_LABELS[status] ?? status}</td>
<td>${time(leaseInfo.registrationTimestamp, nowMillis)}</td>
<td>${time(leaseInfo.lastRenewalTimestamp, nowMillis)}</td>
<td>${metadata.version ?? '–'}</td>
<td>${action(instance)}</td>
</tr>
`;
}

function application(name: string, instances: readonly InstanceDocument[], nowMillis: number): Html {
  const up = instances.filter(({ status }) => status === 'UP').length;
  return html`<h2>${name} <span class="muted">${up} of ${instances.length} up</span></h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Instance</th><th scope="col">Status</th><th scope="col">Since</th><th scope="col">Last renewal</th><th scope="col">Version</th><th scope="col"><span class="muted">Change</span></th></tr></thead>
<tbody>
${instances.map((instance) => row(instance, nowMillis))}</tbody>
</table></div>
`;
}

export function registryPage({ instances, isPreserving, nowMillis }: PageContent): string {
  const shown = instances.toSorted((a, b) => (a.app < b.app ? -1 : a.app > b.app ? 1 : 0)).slice(0, MAX_ROWS);
  const byName = [...Map.groupBy(shown, ({ app }) => app)];
  const hidden = instances.length - shown.length;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Registry – Daybook</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<h1>Registry</h1>
<p class="muted">Every instance that has registered. <a href="/">Reload</a></p>
<p id="message" role="status"></p>
${isPreserving ? html`<p class="notice">Many renewals are missing. Until they come back, no instance is removed: some of these may be gone.</p>\n` : ''}${
  instances.length === 0
    ? html`<p>No instance has registered yet. A service appears here a moment after it has started.</p>\n`
    : ''
}${byName.map(([name, members]) => application(name, members, nowMillis))}${
  hidden > 0
    ? html`<p class="muted">And ${hidden} more, which are all in <a href="/eureka/apps">the whole list</a>.</p>\n`
    : ''
}</body>
</html>
`.text;
}
