import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

/** Statuses of responses without a body; this response may have one. */
const WITHOUT_BODY = [204, 205, 304];

export const setStatus = defineFilter({
  schema: Type.Integer({ minimum: 200, maximum: 599 }),
  summary: 'gives the response of the service this status; refusals of the gateway, and 304, keep theirs',
  example: 202,
  faultsOf: (status) =>
    WITHOUT_BODY.includes(status) ? [{ pointer: '', message: 'must not be a status without a body' }] : [],
  compile: (status) => ({
    onResponse(head) {
      // 304 stays, because a client with a cached copy would otherwise treat the resource as empty.
      if (head.isFromService && head.status !== 304) head.status = status;
    },
  }),
});
