/** Sends HTTP as bytes on a socket, because a client library would repair or reject many of these requests. */
import { connect, type Socket } from 'node:net';

/** Longer than any timeout of a service. */
const DEADLINE_MILLIS = 20_000;
const MAX_RECEIVED_BYTES = 64 * 1024 * 1024;

export interface RawResponse {
  readonly status: number;
  /** By name, in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

export interface Exchanged {
  readonly responses: readonly RawResponse[];
  /** The received bytes after the last whole response. */
  readonly rest: Buffer;
}

export interface ExchangeOptions {
  /** The method of the first request, because a response to HEAD has no body. */
  readonly method?: string;
  /**
   * Ends the stream with the last byte. Node treats such a client as gone, and responds only to a truncated request.
   */
  readonly isTruncated?: boolean;
  /** Ends the stream after this time, for bytes that may or may not be a whole request. */
  readonly endAfterMillis?: number;
  /** The number of responses to wait for before the client ends the connection. */
  readonly count?: number;
}

/** Sends bytes. Returns the received bytes once the responses are complete or the server ends. */
export async function exchange(
  url: string,
  bytes: Buffer,
  { method = 'GET', isTruncated = false, endAfterMillis = DEADLINE_MILLIS, count = 1 }: ExchangeOptions = {},
): Promise<Exchanged> {
  const { hostname, port } = new URL(url);
  let endTimer: NodeJS.Timeout | undefined;
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  try {
    if (isTruncated) socket.end(bytes);
    else socket.write(bytes);
    endTimer = setTimeout(() => socket.end(), endAfterMillis);
    return await receive(socket, method, count);
  } finally {
    clearTimeout(endTimer);
    socket.destroy();
  }
}

async function receive(socket: Socket, method: string, count: number): Promise<Exchanged> {
  let received = Buffer.alloc(0);
  let failure: Error | undefined;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length > MAX_RECEIVED_BYTES) socket.destroy(new Error(`more than ${MAX_RECEIVED_BYTES} bytes`));
    const { responses, rest } = parseResponses(received, method);
    if (responses.length >= count && rest.length === 0) socket.end();
  });
  socket.setTimeout(DEADLINE_MILLIS, () => socket.destroy(new Error(`nothing within ${DEADLINE_MILLIS} ms`)));
  // The server may close before it read everything. Its bytes until then count.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') failure = error;
  });
  socket.on('end', () => socket.end());
  await new Promise((resolve) => socket.once('close', resolve));
  if (failure) throw failure;
  return parseResponses(received, method);
}

/** Returns every response in the bytes. */
export function parseResponses(bytes: Buffer, method: string): Exchanged {
  const responses: RawResponse[] = [];
  let rest = bytes;
  for (;;) {
    const read = parseResponse(rest, method === 'HEAD' && responses.length === 0);
    if (!read) return { responses, rest };
    // Informational responses such as 100 Continue precede the response.
    if (read.response.status >= 200) responses.push(read.response);
    rest = read.rest;
  }
}

function parseResponse(bytes: Buffer, withoutBody: boolean): { response: RawResponse; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const after = bytes.subarray(end + 4);
  if (withoutBody || status < 200 || status === 204 || status === 304) {
    return { response: { status, headers, body: Buffer.alloc(0) }, rest: after };
  }
  const read = headers.has('transfer-encoding') ? readChunks(after) : readLength(after, headers.get('content-length'));
  return read && { response: { status, headers, body: read.body }, rest: read.rest };
}

function readLength(bytes: Buffer, lengths: readonly string[] | undefined) {
  const length = lengths?.length === 1 ? Number(lengths[0]) : Number.NaN;
  if (!Number.isSafeInteger(length) || bytes.length < length) return undefined;
  return { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function readChunks(bytes: Buffer) {
  const chunks: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const line = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.toString('latin1', 0, line), 16);
    if (line === -1 || Number.isNaN(size) || rest.length < line + 4 + size) return undefined;
    chunks.push(rest.subarray(line + 2, line + 2 + size));
    rest = rest.subarray(line + 4 + size);
    if (size === 0) return { body: Buffer.concat(chunks), rest };
  }
}
