import { addHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderValues, flatHeaders, HeaderValues } from './header-settings.ts';

export const addResponseHeader = defineFilter({
  schema: HeaderValues,
  summary: 'adds these headers to the response, next to existing values',
  example: { 'x-clinic': 'north' },
  faultsOf: faultsOfHeaderValues,
  compile(values) {
    const additions = flatHeaders(values);
    return { onResponse: ({ headers }) => addHeaders(headers, additions) };
  },
});
