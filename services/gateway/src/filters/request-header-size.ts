import { Refusal } from '@daybook/contracts';
import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const requestHeaderSize = defineFilter({
  schema: Type.Integer({ minimum: 100, maximum: 16_384 }),
  summary: 'refuses a request whose headers, names and values together, are larger (bytes) with 431',
  example: 8_192,
  compile: (limit) => ({
    onRequest({ rawHeaders }) {
      let size = 0;
      for (const text of rawHeaders) size += text.length;
      return size > limit ? new Refusal('headers-too-large', 'The headers are larger than this accepts.') : undefined;
    },
  }),
});
