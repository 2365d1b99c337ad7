import { defineFilter } from './filter.ts';
import { setHeaders } from './flat-lists.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const setRequestHeader = defineFilter({
  schema: HeaderValues,
  summary: 'sets these headers of the request, in the place of values that are there',
  example: { 'x-clinic': 'north' },
  hasSecrets: true,
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onRequest: ({ headers }) => setHeaders(headers, additions) };
  },
});
