import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const addRequestParameter = defineFilter({
  schema: Type.Record(Type.String(), Type.String({ maxLength: 500 }), { minProperties: 1, maxProperties: 20 }),
  summary: 'adds these parameters to the query, next to existing ones',
  example: { source: 'gateway' },
  hasSecrets: true,
  compile(parameters) {
    const addition = new URLSearchParams(parameters).toString();
    return {
      onUpstreamRequest(head) {
        head.query = head.query.length > 1 ? `${head.query}&${addition}` : `?${addition}`;
      },
    };
  },
});
