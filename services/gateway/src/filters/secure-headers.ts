import { Type } from 'typebox';
import { hasHeader } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';

/** For responses that are data. A browser that opens one displays it and does nothing else with it. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export const secureHeaders = defineFilter({
  schema: Type.Object(
    {
      without: Type.Optional(Type.Array(Type.Enum(Object.keys(HEADERS)), { uniqueItems: true })),
    },
    { additionalProperties: false },
  ),
  summary: `adds ${Object.keys(HEADERS)
    .map((name) => `\`${name}\``)
    .join(', ')} to the response where the service has not set them`,
  example: { without: ['strict-transport-security'] },
  compile({ without = [] }) {
    const wanted = Object.entries(HEADERS).filter(([name]) => !without.includes(name));
    return {
      onResponse({ headers }) {
        for (const [name, value] of wanted) if (!hasHeader(headers, name)) headers.push(name, value);
      },
    };
  },
});
