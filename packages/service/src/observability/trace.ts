/** W3C Trace Context: read from the request and sent with every call that it causes. */
import { randomHex } from './random.ts';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export interface Trace {
  readonly traceId: string;
  /** The header for calls that this request causes. */
  readonly traceparent: string;
}

/** Continues the trace of a header, or starts one when the header is missing or malformed. */
export function traceOf(header: string | string[] | undefined): Trace {
  const [, traceId = '', parentId = '', flags = '01'] = (typeof header === 'string' && TRACEPARENT.exec(header)) || [];
  const continued = /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(parentId);
  const id = continued ? traceId : randomHex(32);
  return { traceId: id, traceparent: `00-${id}-${randomHex(16)}-${continued ? flags : '01'}` };
}
