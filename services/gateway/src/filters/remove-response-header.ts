import { defineFilter } from './filter.ts';
import { removeHeaders } from './flat-lists.ts';
import { faultsOfHeaderNames, HeaderNames, smallNames } from './header-settings.ts';

export const removeResponseHeader = defineFilter({
  schema: HeaderNames,
  summary: 'removes these headers of the answer',
  example: ['x-internal'],
  faultsOf: faultsOfHeaderNames,
  compile(names) {
    const unwanted = smallNames(names);
    return { onAnswer: ({ headers }) => removeHeaders(headers, unwanted) };
  },
});
