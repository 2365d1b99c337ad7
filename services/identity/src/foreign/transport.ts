/** Requests to a foreign issuer: encrypted unless it is this machine, with a deadline and a limit on what is read. */
import type { CustomFetch, CustomFetchOptions } from 'openid-client';

/** The issuer cannot be used now. A later attempt may succeed. */
export class ForeignIssuerUnavailable extends Error {
  /** A code, because the text of a server can quote a person. */
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super('The foreign issuer is not available.', options);
    this.name = 'ForeignIssuerUnavailable';
    this.reason = reason;
  }
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** Key sets and discovery documents of large issuers have 10 to 40 KB. */
const LIMIT_BYTES = 256 * 1024;
/** A `Response` with such a status has no body. */
const WITHOUT_BODY = [204, 205, 304];

/** Returns whether secrets may be sent to an address. */
export const isSafeAddress = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
};

/** @throws ForeignIssuerUnavailable when the body is too large */
async function readBounded({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > LIMIT_BYTES) throw new ForeignIssuerUnavailable('response-too-large');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Returns the body of a request, which is a form or absent. */
function formOf({ body }: CustomFetchOptions): { body?: URLSearchParams | string } {
  if (body === undefined || body === null) return {};
  if (body instanceof URLSearchParams || typeof body === 'string') return { body };
  throw new TypeError('openid-client sends a body that is not a form');
}

async function send(url: string, options: CustomFetchOptions, transport: typeof fetch): Promise<Response> {
  const { method, headers, redirect, signal } = options;
  const response = await transport(url, { method, headers, redirect, ...(signal && { signal }), ...formOf(options) });
  const { status } = response;
  if (status >= 500 || status === 429) {
    await response.body?.cancel();
    throw new ForeignIssuerUnavailable(`status-${status}`);
  }
  const body = await readBounded(response);
  return new Response(WITHOUT_BODY.includes(status) ? null : body, { status, headers: response.headers });
}

/** Returns the `fetch` of openid-client. It rejects with `ForeignIssuerUnavailable` whatever the reason is. */
export const createTransport =
  (transport: typeof fetch = fetch): CustomFetch =>
  async (url, options) => {
    if (!isSafeAddress(new URL(url))) throw new ForeignIssuerUnavailable('unencrypted-address');
    try {
      return await send(url, options, transport);
    } catch (error) {
      if (error instanceof ForeignIssuerUnavailable) throw error;
      throw new ForeignIssuerUnavailable(codeOf(error), { cause: error });
    }
  };
