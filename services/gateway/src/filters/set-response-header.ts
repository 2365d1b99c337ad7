import { setHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const setResponseHeader = defineFilter({
  schema: HeaderValues,
  summary: 'sets these headers of the response, replacing existing values',
  example: { 'x-clinic': 'north' },
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onResponse: ({ headers }) => setHeaders(headers, additions) };
  },
});
