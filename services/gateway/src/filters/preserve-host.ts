import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const preserveHost = defineFilter({
  schema: Type.Literal(true),
  summary: 'passes on the `Host` that the client asked for, not the address of the instance',
  example: true,
  compile: () => ({
    onRequest({ headers }, request) {
      const { host } = request.headers;
      if (host !== undefined) headers.push('host', host);
    },
  }),
});
