/** The catalogue of filters. A new filter needs a file, a test, a line here and a row in `docs/gateway.md`. */
import type { FilterPlugin } from '../routes/plugin.ts';
import { addRequestHeader } from './add-request-header.ts';
import { addRequestParameter } from './add-request-parameter.ts';
import { addResponseHeader } from './add-response-header.ts';
import { cors } from './cors.ts';
import { dedupeResponseHeader } from './dedupe-response-header.ts';
import { prefixPath } from './prefix-path.ts';
import { preserveHost } from './preserve-host.ts';
import { rateLimit } from './rate-limit.ts';
import { redirect } from './redirect.ts';
import { removeRequestHeader } from './remove-request-header.ts';
import { removeRequestParameter } from './remove-request-parameter.ts';
import { removeResponseHeader } from './remove-response-header.ts';
import { requestHeaderSize } from './request-header-size.ts';
import { requestSize } from './request-size.ts';
import { rewritePath } from './rewrite-path.ts';
import { secureHeaders } from './secure-headers.ts';
import { setPath } from './set-path.ts';
import { setRequestHeader } from './set-request-header.ts';
import { setResponseHeader } from './set-response-header.ts';
import { setStatus } from './set-status.ts';
import { stripPrefix } from './strip-prefix.ts';

export const filters: Readonly<Record<string, FilterPlugin>> = {
  stripPrefix,
  prefixPath,
  rewritePath,
  setPath,
  redirect,
  setStatus,
  addRequestHeader,
  setRequestHeader,
  removeRequestHeader,
  addResponseHeader,
  setResponseHeader,
  removeResponseHeader,
  addRequestParameter,
  removeRequestParameter,
  dedupeResponseHeader,
  preserveHost,
  requestSize,
  requestHeaderSize,
  secureHeaders,
  cors,
  rateLimit,
};
