/**
 * Reads the HTTP/1.1 responses of an instance (RFC 9112). Strict, because the client behind the gateway might read an
 * ambiguous response differently. The parser has these invariants:
 * - It accepts a response only if llhttp, the parser of node:http, reads it in the same way.
 * - It rejects every other response with MalformedResponse. It is stricter than llhttp only by the rules in the fuzz
 *   test.
 * - It returns the same result however the bytes are split into chunks.
 * - It reads one response for each `begin`. Further bytes never count as the response to another request.
 * The differential fuzz test is `response-parser-fuzz.test.ts` (decision 32). It compares every response with llhttp.
 */

/** The status and the headers of a response. */
export interface ParsedResponseHead {
  readonly status: number;
  /** A flat list of lower-case names and of values, as received. */
  readonly headers: string[];
  /** The announced length of the body. */
  readonly length: number | undefined;
  /** The header `Connection`, in lower case. */
  readonly connection: string | undefined;
  /** How long the instance keeps an idle connection, if stated. */
  readonly keepAlive: string | undefined;
  /** Whether the connection can be used again after this response. */
  readonly shouldKeepAlive: boolean;
}

export interface ResponseSink {
  onHead(start: ParsedResponseHead): void;
  /** The bytes are valid during the call only. */
  onData(chunk: Buffer): void;
  /**
   * Receives the last part of the body if it came together with the end. `isClean` is false when more bytes followed.
   * Those bytes belong to no request, and must not count as the next response.
   */
  onEnd(last: Buffer | undefined, isClean: boolean): void;
}

/** The bytes from the instance are not an HTTP response. */
export class MalformedResponse extends Error {
  override readonly name = 'MalformedResponse';
}

const MAX_HEAD_BYTES = 64 * 1024;
const SINGLE_READ_BYTES = 4 * 1024;
const MAX_LINE_BYTES = 4 * 1024;
/** The limit for headers after the last chunk. These headers are dropped. */
const MAX_TRAILERS_BYTES = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const END_OF_LINE = '\r\n';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Control characters, and incomplete line ends. */
const INVALID_IN_HEAD = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const LENGTH = /^\d{1,15}$/;
/** Accepts extensions, which are dropped: names, and values that are words or quoted without a backslash. */
const CHUNK_SIZE =
  /^([0-9a-f]{1,12})(?:;[!#$%&'*+.^`|~0-9a-z_-]+(?:=(?:[!#$%&'*+.^`|~0-9a-z_-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*$/i;
/** Trailers that would change how an already read message or connection is interpreted (RFC 9110, 6.5.1). */
const FORBIDDEN_TRAILERS = new Set(['connection', 'content-length', 'proxy-connection', 'transfer-encoding']);
const TAB = 0x09;
const SPACE = 0x20;

type Phase = 'nothing' | 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-closed';

/** The headers about the body and the connection. */
interface Framing {
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  /** The header of old proxies. node:http reads it like `Connection`. */
  proxyConnection: string | undefined;
  keepAlive: string | undefined;
}

export class ResponseParser {
  readonly #sink: ResponseSink;
  #phase: Phase = 'nothing';
  #method = 'GET';
  /** The remaining bytes of the body, or of its chunk. */
  #remaining = 0;
  /** An incomplete head or line. */
  #partial: Buffer | undefined;
  #trailersLength = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Expects a response to a request with this method. */
  begin(method: string): void {
    this.#method = method;
    this.#phase = 'head';
  }

  /** Reads received bytes. @throws MalformedResponse */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
  }

  /** Ends the input. Returns false when the response is incomplete. */
  close(): boolean {
    if (this.#phase !== 'until-closed') return this.#phase === 'nothing';
    this.#end(undefined, true);
    return true;
  }

  /** Reads on from `at`; returns where it stopped. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(chunk, at);
      case 'length':
        return this.#readLength(chunk, at);
      case 'size':
        return this.#readSize(chunk, at);
      case 'chunk':
        return this.#readChunk(chunk, at);
      case 'chunk-end':
        return this.#readChunkEnd(chunk, at);
      case 'trailers':
        return this.#readTrailer(chunk, at);
      case 'until-closed':
        this.#sink.onData(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
      case 'nothing':
        throw new MalformedResponse('bytes arrived without a request');
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    // Most heads come whole and with little else. One text then suffices, without a search in bytes.
    if (!this.#partial && chunk.length - at <= SINGLE_READ_BYTES) {
      const text = chunk.toString('latin1', at);
      const end = text.indexOf(END_OF_HEAD);
      if (end !== -1) {
        const next = at + end + END_OF_HEAD.length;
        this.#parseHead(text.slice(0, end), next === chunk.length);
        return next;
      }
    }
    return this.#readLongHead(chunk, at);
  }

  /** Reads a long head, or one in pieces. */
  #readLongHead(chunk: Buffer, at: number): number {
    const partialLength = this.#partial?.length ?? 0;
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk.subarray(at)]) : chunk;
    const from = this.#partial ? 0 : at;
    const end = bytes.indexOf(END_OF_HEAD, from, 'latin1');
    if (lengthOf(bytes, from, end, END_OF_HEAD) > MAX_HEAD_BYTES) throw new MalformedResponse('its head is too long');
    if (end === -1) {
      this.#partial = Buffer.from(bytes.subarray(from));
      return chunk.length;
    }
    this.#partial = undefined;
    const next = at + end - from - partialLength + END_OF_HEAD.length;
    this.#parseHead(bytes.toString('latin1', from, end), next === chunk.length);
    return next;
  }

  #parseHead(head: string, isLast: boolean): void {
    if (INVALID_IN_HEAD.test(head)) throw new MalformedResponse('its head has characters that are not allowed');
    const endOfLine = head.indexOf(END_OF_LINE);
    const line = STATUS_LINE.exec(endOfLine === -1 ? head : head.slice(0, endOfLine));
    if (!line) throw new MalformedResponse('its first line is not a status line');
    const status = Number(line[2]);
    if (status === 101) throw new MalformedResponse('it changes the protocol without a request for that');
    const framing: Framing = {
      length: undefined,
      coding: undefined,
      connection: undefined,
      proxyConnection: undefined,
      keepAlive: undefined,
    };
    const headers = endOfLine === -1 ? [] : readHeaders(head, endOfLine, framing);
    checkFraming(framing);
    const isPersistent = allowsKeepAlive(framing, line[1] === '1');
    // Interim responses are skipped.
    if (status < 200) {
      if (!isPersistent) throw new MalformedResponse('it ends the connection before the response');
      return;
    }
    const shouldKeepAlive = this.#frame(status, framing) && isPersistent;
    const { connection, keepAlive } = framing;
    const length = framing.length === undefined ? undefined : Number(framing.length);
    this.#sink.onHead({ status, headers, length, connection, keepAlive, shouldKeepAlive });
    if (this.#phase === 'length' && this.#remaining === 0) this.#end(undefined, isLast);
  }

  /** Determines the end of the body (RFC 9112, 6.3). Returns false when only the end of the connection marks it. */
  #frame(status: number, { length, coding }: Framing): boolean {
    this.#remaining = 0;
    this.#phase = 'length';
    if (this.#method === 'HEAD' || status === 204 || status === 304) return true;
    if (coding !== undefined) {
      this.#phase = 'size';
      return true;
    }
    if (length === undefined) {
      this.#phase = 'until-closed';
      return false;
    }
    this.#remaining = Number(length);
    return true;
  }

  #readLength(chunk: Buffer, at: number): number {
    const end = at + this.#remaining;
    if (end > chunk.length) {
      this.#remaining = end - chunk.length;
      this.#sink.onData(at === 0 ? chunk : chunk.subarray(at));
      return chunk.length;
    }
    this.#end(chunk.subarray(at, end), end === chunk.length);
    return end;
  }

  #readSize(chunk: Buffer, at: number): number {
    return this.#readLine(chunk, at, (line) => {
      const size = CHUNK_SIZE.exec(line)?.[1];
      if (size === undefined) throw new MalformedResponse('the size of a chunk is not a number');
      this.#remaining = Number.parseInt(size, 16);
      this.#trailersLength = 0;
      this.#phase = this.#remaining === 0 ? 'trailers' : 'chunk';
    });
  }

  #readChunk(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#phase = 'chunk-end';
    this.#sink.onData(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    return end;
  }

  #readChunkEnd(chunk: Buffer, at: number): number {
    return this.#readLine(chunk, at, (line) => {
      if (line !== '') throw new MalformedResponse('a chunk is longer than its size');
      this.#phase = 'size';
    });
  }

  #readTrailer(chunk: Buffer, at: number): number {
    return this.#readLine(chunk, at, (line, isAll) => {
      this.#trailersLength += line.length;
      if (this.#trailersLength > MAX_TRAILERS_BYTES) throw new MalformedResponse('its trailers are too long');
      if (line === '') this.#end(undefined, isAll);
      else checkTrailer(line);
    });
  }

  /** Reads a line. `onLine` receives the line, and whether it is the last of the received bytes. */
  #readLine(chunk: Buffer, at: number, onLine: (line: string, isAll: boolean) => void): number {
    const kept = this.#partial?.length ?? 0;
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk.subarray(at)]) : chunk;
    const from = this.#partial ? 0 : at;
    const end = bytes.indexOf(END_OF_LINE, from, 'latin1');
    if (lengthOf(bytes, from, end, END_OF_LINE) > MAX_LINE_BYTES) throw new MalformedResponse('a line is too long');
    if (end === -1) {
      this.#partial = Buffer.from(bytes.subarray(from));
      return chunk.length;
    }
    this.#partial = undefined;
    const next = at + end - from - kept + END_OF_LINE.length;
    onLine(bytes.toString('latin1', from, end), next === chunk.length);
    return next;
  }

  #end(last: Buffer | undefined, isClean: boolean): void {
    this.#phase = 'nothing';
    this.#sink.onEnd(last, isClean);
  }
}

/**
 * Returns the length of a head or line that ends at `end`. Where its end has not come (-1), returns its least length.
 */
const lengthOf = (bytes: Buffer, from: number, end: number, terminator: string): number =>
  (end === -1 ? bytes.length - terminator.length + 1 : end) - from;

/** Reads the lines after the first. Also stores the headers about the body and the connection in `framing`. */
function readHeaders(head: string, endOfFirst: number, framing: Framing): string[] {
  const headers: string[] = [];
  for (let start = endOfFirst + 2; start <= head.length; ) {
    const next = head.indexOf(END_OF_LINE, start);
    const end = next === -1 ? head.length : next;
    const colon = head.indexOf(':', start);
    if (colon === -1 || colon > end) throw new MalformedResponse('a header line is not valid');
    const name = toLowerCaseName(head.slice(start, colon));
    const value = trimmed(head, colon + 1, end);
    // Node reads a coding with a tab differently: it takes the end of the connection for the end of the body.
    if (name === 'transfer-encoding' && head.slice(colon, end).includes('\t')) {
      throw new MalformedResponse('its transfer coding is not known');
    }
    headers.push(name, value);
    recordFramingHeader(name, value, framing);
    start = end + 2;
  }
  return headers;
}

/**
 * Returns a part of a text without the blanks around it. Removes HTTP's blanks only, while `trim` also removes a
 * no-break space.
 */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB;

/** Checks a line after the body. @throws MalformedResponse unless it is a permitted header */
function checkTrailer(line: string): void {
  if (INVALID_IN_HEAD.test(line)) throw new MalformedResponse('a trailer has characters that are not allowed');
  const colon = line.indexOf(':');
  if (colon === -1) throw new MalformedResponse('a trailer line is not valid');
  const name = toLowerCaseName(line.slice(0, colon));
  if (FORBIDDEN_TRAILERS.has(name)) throw new MalformedResponse(`${name} comes after the body`);
}

/** Checks the length of the body. @throws MalformedResponse unless it has only one reading */
function checkFraming({ length, coding }: Framing): void {
  if (length !== undefined && (coding !== undefined || !LENGTH.test(length))) {
    throw new MalformedResponse('its length can be read in two ways');
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new MalformedResponse('its transfer coding is not known');
  }
}

/** Returns the engine's own copy of a text, as for property names. The engine compares such copies by address. */
const internString = (text: string): string => Object.keys({ [text]: true })[0] ?? text;

/** Recent names, because instances repeat the same ones. */
const names = new Map<string, string>();
const MAX_CACHED_NAMES = 500;

function toLowerCaseName(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  const name = internString(written.toLowerCase());
  if (!NAME.test(name)) throw new MalformedResponse('a header has no name');
  if (names.size < MAX_CACHED_NAMES) names.set(written, name);
  return name;
}

function recordFramingHeader(name: string, value: string, framing: Framing): void {
  switch (name) {
    case 'content-length':
      if (framing.length !== undefined) throw new MalformedResponse('it has two lengths');
      framing.length = value;
      break;
    case 'transfer-encoding':
      framing.coding = joined(framing.coding, value);
      break;
    case 'connection':
      framing.connection = joined(framing.connection, value.toLowerCase());
      break;
    case 'proxy-connection':
      framing.proxyConnection = joined(framing.proxyConnection, value.toLowerCase());
      break;
    case 'keep-alive':
      framing.keepAlive = value;
      break;
  }
}

const joined = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before}, ${value}`;

function allowsKeepAlive({ connection, proxyConnection }: Framing, isCurrent: boolean): boolean {
  if (proxyConnection !== undefined && optionsOf(proxyConnection).includes('close')) return false;
  if (connection === undefined || connection === 'keep-alive') return isCurrent || connection === 'keep-alive';
  if (connection === 'close') return false;
  const options = optionsOf(connection);
  return !options.includes('close') && (isCurrent || options.includes('keep-alive'));
}

const optionsOf = (value: string): string[] => value.split(',').map((option) => trimmed(option, 0, option.length));
