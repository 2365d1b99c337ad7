import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const PlainPath = Type.String({ pattern: '^(?:/[A-Za-z0-9._~-]+)+$', maxLength: 500 });

export const prefixPath = defineFilter({
  schema: PlainPath,
  summary: 'prepends this to the path',
  example: '/internal',
  compile: (prefix) => ({
    onUpstreamRequest(head) {
      head.path = prefix + head.path;
    },
  }),
});
