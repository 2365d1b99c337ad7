import { setHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const setRequestHeader = defineFilter({
  schema: HeaderValues,
  summary: 'sets these headers of the request, replacing existing values',
  example: { 'x-clinic': 'north' },
  hasSecrets: true,
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onUpstreamRequest: ({ headers }) => setHeaders(headers, additions) };
  },
});
