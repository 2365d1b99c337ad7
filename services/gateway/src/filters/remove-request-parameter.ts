import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const removeRequestParameter = defineFilter({
  schema: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 20, uniqueItems: true }),
  summary: 'removes these parameters from the query; the others stay as they were written',
  example: ['debug'],
  compile(names) {
    const unwanted = new Set(names);
    return {
      onUpstreamRequest(head) {
        if (head.query === '') return;
        const remaining = head.query
          .slice(1)
          .split('&')
          .filter((pair) => !unwanted.has(nameOf(pair)));
        head.query = remaining.length > 0 ? `?${remaining.join('&')}` : '';
      },
    };
  },
});

/** Returns the decoded name of a parameter, as a service reads it. */
function nameOf(pair: string): string {
  for (const name of new URLSearchParams(pair).keys()) return name;
  return '';
}
