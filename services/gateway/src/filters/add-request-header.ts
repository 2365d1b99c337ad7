import { defineFilter } from './filter.ts';
import { addHeaders } from './flat-lists.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const addRequestHeader = defineFilter({
  schema: HeaderValues,
  summary: 'adds these headers to the request, beside values that are there',
  example: { 'x-clinic': 'north' },
  hasSecrets: true,
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onRequest: ({ headers }) => addHeaders(headers, additions) };
  },
});
