/**
 * Reads HTTP/1.1 answers as they come from an instance (RFC 9112). Strict: what can be read in two ways is refused, since
 * the client behind the gateway might read it in the other one.
 */

/** The start of an answer. */
export interface ParsedResponseHead {
  readonly status: number;
  /** A flat list of names, in small letters, and values, as they came. */
  readonly headers: string[];
  /** What the body is said to be long. */
  readonly length: number | undefined;
  /** The header `Connection`, in small letters. */
  readonly connection: string | undefined;
  /** How long the instance keeps an idle connection, where it says so. */
  readonly keepAlive: string | undefined;
  /** Whether the connection can be used again after this answer. */
  readonly shouldKeepAlive: boolean;
}

export interface ResponseSink {
  onHead(start: ParsedResponseHead): void;
  /** The bytes are there during the call only. */
  onData(chunk: Buffer): void;
  /**
   * With the last of the body where it came at once with the end. `isClean` unless more came with it: those bytes belong to no
   * request, and must not be taken for the response to the next one.
   */
  onEnd(last: Buffer | undefined, isClean: boolean): void;
}

/** The instance answers with something that is no HTTP answer. */
export class MalformedResponse extends Error {
  override readonly name = 'MalformedResponse';
}

const MAX_HEAD_BYTES = 64 * 1024;
const SINGLE_READ_BYTES = 4 * 1024;
const MAX_LINE_BYTES = 4 * 1024;
/** After the last chunk; they are left out. */
const MAX_TRAILERS_BYTES = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const END_OF_LINE = '\r\n';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Control characters, and line ends that are only half one. */
const INVALID_IN_HEAD = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const LENGTH = /^\d{1,15}$/;
/** With extensions, which are left out: names, and values that are words or quoted without a backslash. */
const CHUNK_SIZE =
  /^([0-9a-f]{1,12})(?:;[!#$%&'*+.^`|~0-9a-z_-]+(?:=(?:[!#$%&'*+.^`|~0-9a-z_-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*$/i;
/** What would change how a message is read, or the connection, when it has been read (RFC 9110, 6.5.1). */
const FORBIDDEN_TRAILERS = new Set(['connection', 'content-length', 'proxy-connection', 'transfer-encoding']);
const TAB = 0x09;
const SPACE = 0x20;

type Phase = 'nothing' | 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-closed';

/** What the headers say of the body and of the connection. */
interface Framing {
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  /** The header of old proxies, which node:http reads like `Connection`. */
  proxyConnection: string | undefined;
  keepAlive: string | undefined;
}

export class ResponseParser {
  readonly #sink: ResponseSink;
  #phase: Phase = 'nothing';
  #method = 'GET';
  /** What is left of the body, or of its chunk. */
  #remaining = 0;
  /** A head or a line of which the rest has not come. */
  #partial: Buffer | undefined;
  #trailersLength = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** The next thing to come answers a request with this method. */
  begin(method: string): void {
    this.#method = method;
    this.#phase = 'head';
  }

  /** @throws MalformedResponse */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
  }

  /** Nothing more will come. False when the answer is not whole. */
  close(): boolean {
    if (this.#phase !== 'until-closed') return this.#phase === 'nothing';
    this.#end(undefined, true);
    return true;
  }

  /** Reads on from `at`; answers where it stopped. */
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
        throw new MalformedResponse('something came that nobody asked for');
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    // Most come whole and with little else: that is one text, and no search in bytes.
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

  /** Or one in pieces. */
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
    if (!line) throw new MalformedResponse('its first line is none');
    const status = Number(line[2]);
    if (status === 101) throw new MalformedResponse('it changes the protocol unasked');
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
    // What comes before the answer says nothing of it.
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

  /** How the body ends (RFC 9112, 6.3); false when only the end of the connection says so. */
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
      if (size === undefined) throw new MalformedResponse('the size of a chunk is none');
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
      if (line !== '') throw new MalformedResponse('a chunk is longer than it says');
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

  /** `take` is given whether the line is the last of what came. */
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

/** Of a head or a line that ends at `end`, or at least, where its end has not come (-1), or not all of that. */
const lengthOf = (bytes: Buffer, from: number, end: number, terminator: string): number =>
  (end === -1 ? bytes.length - terminator.length + 1 : end) - from;

/** The lines after the first. What they say of the body and the connection goes into `framing` as well. */
function readHeaders(head: string, endOfFirst: number, framing: Framing): string[] {
  const headers: string[] = [];
  for (let start = endOfFirst + 2; start <= head.length; ) {
    const next = head.indexOf(END_OF_LINE, start);
    const end = next === -1 ? head.length : next;
    const colon = head.indexOf(':', start);
    if (colon === -1 || colon > end) throw new MalformedResponse('a header is none');
    const name = toLowerCaseName(head.slice(start, colon));
    const value = trimmed(head, colon + 1, end);
    // Node takes chunks with a tab after the word for a body that the end of the connection ends.
    if (name === 'transfer-encoding' && head.slice(colon, end).includes('\t')) {
      throw new MalformedResponse('its transfer coding is not known');
    }
    headers.push(name, value);
    recordFramingHeader(name, value, framing);
    start = end + 2;
  }
  return headers;
}

/** A part of a text without the blanks around it: those of HTTP only, since `trim` takes a no-break space away as well. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB;

/** @throws MalformedResponse unless the line is a header that may come after the body */
function checkTrailer(line: string): void {
  if (INVALID_IN_HEAD.test(line)) throw new MalformedResponse('a trailer has characters that are not allowed');
  const colon = line.indexOf(':');
  if (colon === -1) throw new MalformedResponse('a trailer is none');
  const name = toLowerCaseName(line.slice(0, colon));
  if (FORBIDDEN_TRAILERS.has(name)) throw new MalformedResponse(`${name} comes after the body`);
}

/** @throws MalformedResponse unless there is one way to read how long the body is */
function checkFraming({ length, coding }: Framing): void {
  if (length !== undefined && (coding !== undefined || !LENGTH.test(length))) {
    throw new MalformedResponse('how long it is can be read in two ways');
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new MalformedResponse('its transfer coding is not known');
  }
}

/** The same text, as the engine keeps the names of properties and literals: those are compared by their place only. */
const internString = (text: string): string => Object.keys({ [text]: true })[0] ?? text;

/** The names that came lately: instances send the same ones again and again. */
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
