import type { OutgoingHttpHeader } from 'node:http';
import { Type } from 'typebox';
import { removeHeader } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderNames, HeaderNames, lowerCaseNames } from './header-settings.ts';

const KEEP = {
  first: (values: readonly string[]) => values.slice(0, 1),
  last: (values: readonly string[]) => values.slice(-1),
  unique: (values: readonly string[]) => [...new Set(values)],
};

export const dedupeResponseHeader = defineFilter({
  schema: Type.Object(
    { names: HeaderNames, keep: Type.Enum(['first', 'last', 'unique']) },
    { additionalProperties: false },
  ),
  summary: 'keeps the first value, the last, or each distinct value of a header that the response has more than once',
  example: { names: ['access-control-allow-origin'], keep: 'first' },
  faultsOf: ({ names }) =>
    faultsOfHeaderNames(names).map(({ pointer, message }) => ({ pointer: `/names${pointer}`, message })),
  compile({ names, keep }) {
    const repeated = lowerCaseNames(names);
    const choose = KEEP[keep];
    return {
      onResponse({ headers }) {
        for (const name of repeated) {
          const values = valuesOf(headers, name);
          if (values.length < 2) continue;
          removeHeader(headers, name);
          for (const value of choose(values)) headers.push(name, value);
        }
      },
    };
  },
});

function valuesOf(headers: readonly OutgoingHttpHeader[], name: string): string[] {
  return headers.flatMap((one, at) => {
    const value = at % 2 === 0 && one === name ? headers[at + 1] : undefined;
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [String(value)];
  });
}
