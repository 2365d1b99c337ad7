import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const stripPrefix = defineFilter({
  schema: Type.Integer({ minimum: 1, maximum: 20 }),
  summary: 'removes this many segments from the beginning of the path',
  example: 1,
  compile: (count) => ({
    onUpstreamRequest(head) {
      let start = 0;
      for (let passed = 0; passed < count; passed += 1) {
        start = head.path.indexOf('/', start + 1);
        if (start === -1) break;
      }
      head.path = start === -1 ? '/' : head.path.slice(start);
    },
  }),
});
