import { defineFilter } from './filter.ts';
import { removeHeaders } from './flat-lists.ts';
import { faultsOfHeaderNames, HeaderNames, smallNames } from './header-settings.ts';

export const removeRequestHeader = defineFilter({
  schema: HeaderNames,
  summary: 'removes these headers of the request',
  example: ['x-internal'],
  faultsOf: faultsOfHeaderNames,
  compile(names) {
    const unwanted = smallNames(names);
    return { onRequest: ({ headers }) => removeHeaders(headers, unwanted) };
  },
});
