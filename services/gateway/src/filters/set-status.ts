import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

/** Those that say that there is no body, which may be there. */
const WITHOUT_BODY = [204, 205, 304];

export const setStatus = defineFilter({
  schema: Type.Integer({ minimum: 200, maximum: 599 }),
  summary: 'gives the response of the service this status; refusals of the gateway, and 304, keep theirs',
  example: 202,
  faultsOf: (status) =>
    WITHOUT_BODY.includes(status) ? [{ pointer: '', message: 'must not be a status without a body' }] : [],
  compile: (status) => ({
    onResponse(head) {
      // A client that has the resource would take it for empty otherwise.
      if (head.isFromService && head.status !== 304) head.status = status;
    },
  }),
});
