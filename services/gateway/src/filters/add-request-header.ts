import { addHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const addRequestHeader = defineFilter({
  schema: HeaderValues,
  summary: 'adds these headers to the request, next to existing values',
  example: { 'x-clinic': 'north' },
  hasSecrets: true,
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onUpstreamRequest: ({ headers }) => addHeaders(headers, additions) };
  },
});
