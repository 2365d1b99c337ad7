import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const preserveHost = defineFilter({
  schema: Type.Literal(true),
  summary: 'forwards the `Host` of the client, not the address of the instance',
  example: true,
  compile: () => ({
    onUpstreamRequest({ headers }, request) {
      const { host } = request.headers;
      if (host !== undefined) headers.push('host', host);
    },
  }),
});
