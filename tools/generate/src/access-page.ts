/** Writes the page of the access table from the table in `packages/contracts/src/access-table.ts`. */
import {
  ACCESS_ROLES,
  type Access,
  type AccessRole,
  accessConditions,
  accessOf,
  accessOperations,
  plannedOperations,
} from '@daybook/contracts';

const INTRODUCTION = `<!-- Generated from packages/contracts/src/access-table.ts by \`npm run generate\`. Do not edit. -->

# Access

The table states which caller may call which operation, and what the operation reaches.
Every service enforces it, before it reads a body or a stored response.
A caller without a token gets 401, and one whose role may not call the operation 403.
A test holds that every operation of the [API document](openapi.json) has a row.
[Decision 41](decisions/0041-trust-anchor-and-verified-tokens.md) has the reasons for how callers are verified.

| cell | meaning |
| --- | --- |
| all | every record |
| own | of a patient: the records of the patients that the account may act for; of a doctor: the own record and calendar. Anything else is 404 |
| public | without contacts, active records only |
| – | refused |

Conditions stand in parentheses; their meaning follows the table.
A service also needs the id of the operation in the scope of its token.
Health, the pages of the web application, and the paths under \`/identity\` and \`/login\` need no caller.
`;

const headings: Readonly<Record<AccessRole, string>> = {
  patient: 'patient',
  doctor: 'doctor',
  'front-desk': 'front desk',
  administrator: 'administrator',
  service: 'service',
  anonymous: 'anonymous',
};

const cellOf = ({ reach, conditions, services }: Access): string => {
  if (reach === 'none') return '–';
  const limits = [...(services ?? []), ...conditions];
  return limits.length === 0 ? reach : `${reach} (${limits.join(', ')})`;
};

const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const tableOf = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [tableRow(heads), tableRow(heads.map(() => '---')), ...rows.map(tableRow)].join('\n');

interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId?: string }>>>>;
}

/** Returns the request line of each operation. */
function requestsOf({ paths }: ApiDocument): Map<string, string> {
  const entries = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId = '' }]) => [operationId, `${method.toUpperCase()} ${path}`]),
  );
  return new Map(entries.map(([id = '', request = '']) => [id, request]));
}

/** Returns the page. `openApi` is the text of the API document. */
export function accessPageOf(openApi: string): string {
  const requests = requestsOf(JSON.parse(openApi));
  const rows = accessOperations.map((id) => [
    `\`${id}\``,
    requests.has(id) ? `\`${requests.get(id)}\`` : 'planned',
    ...ACCESS_ROLES.map((role) => cellOf(accessOf(id, role))),
  ]);
  const conditions = Object.entries(accessConditions).map(([name, meaning]) => [name, meaning]);
  const planned = Object.entries(plannedOperations).map(([id, reason]) => [`\`${id}\``, reason]);
  return [
    INTRODUCTION,
    tableOf(['operation', 'request', ...ACCESS_ROLES.map((role) => headings[role])], rows),
    '\n## Conditions\n',
    tableOf(['condition', 'meaning'], conditions),
    '\n## Operations that the API document does not have\n',
    tableOf(['operation', 'reason'], planned),
    '',
  ].join('\n');
}
