import { defineFilter } from './filter.ts';
import { PlainPath } from './prefix-path.ts';

export const setPath = defineFilter({
  schema: PlainPath,
  summary: 'replaces the path with this one; the query stays',
  example: '/status',
  compile: (path) => ({
    onUpstreamRequest(head) {
      head.path = path;
    },
  }),
});
