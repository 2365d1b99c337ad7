import { removeHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';
import { faultsOfHeaderNames, HeaderNames, lowerCaseNames } from './header-settings.ts';

export const removeRequestHeader = defineFilter({
  schema: HeaderNames,
  summary: 'removes these headers of the request',
  example: ['x-internal'],
  faultsOf: faultsOfHeaderNames,
  compile(names) {
    const unwanted = lowerCaseNames(names);
    return { onUpstreamRequest: ({ headers }) => removeHeaders(headers, unwanted) };
  },
});
