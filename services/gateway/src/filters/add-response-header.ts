import { defineFilter } from './filter.ts';
import { addHeaders } from './flat-lists.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const addResponseHeader = defineFilter({
  schema: HeaderValues,
  summary: 'adds these headers to the answer, beside values that are there',
  example: { 'x-clinic': 'north' },
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onAnswer: ({ headers }) => addHeaders(headers, additions) };
  },
});
