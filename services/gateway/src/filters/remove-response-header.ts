import { removeHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderNames, HeaderNames, lowerCaseNames } from './header-settings.ts';

export const removeResponseHeader = defineFilter({
  schema: HeaderNames,
  summary: 'removes these headers of the response',
  example: ['x-internal'],
  faultsOf: faultsOfHeaderNames,
  compile(names) {
    const unwanted = lowerCaseNames(names);
    return { onResponse: ({ headers }) => removeHeaders(headers, unwanted) };
  },
});
