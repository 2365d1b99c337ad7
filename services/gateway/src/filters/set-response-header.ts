import { defineFilter } from './filter.ts';
import { setHeaders } from './flat-lists.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const setResponseHeader = defineFilter({
  schema: HeaderValues,
  summary: 'sets these headers of the answer, in the place of values that are there',
  example: { 'x-clinic': 'north' },
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onAnswer: ({ headers }) => setHeaders(headers, additions) };
  },
});
