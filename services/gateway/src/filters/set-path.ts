import { defineFilter } from './filter.ts';
import { PlainPath } from './prefix-path.ts';

export const setPath = defineFilter({
  schema: PlainPath,
  summary: 'asks the service for this path, whatever the path was; the query stays',
  example: '/status',
  compile: (path) => ({
    onRequest(head) {
      head.path = path;
    },
  }),
});
