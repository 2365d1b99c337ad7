/**
 * Reads HTTP/1.1 strictly with Node's own parser (llhttp), as the reference for other parsers. Node has no public name
 * for it. If a version of Node removes it, loading this file fails with a message.
 */
import { createRequire } from 'node:module';

type Callback = (...given: never[]) => number | undefined;

interface NativeParser {
  [callback: number]: Callback;
  initialize(type: number, resource: object, maxHeaderSize: number, leniency: number): void;
  /** Returns the number of bytes read, or the parse error. */
  execute(bytes: Buffer): number | Error;
  finish(): number | Error | undefined;
}

interface NativeParserClass {
  new (): NativeParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnMessageBegin: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

const common: { HTTPParser: NativeParserClass; methods: readonly string[] } = createRequire(import.meta.url)(
  '_http_common',
);
const { HTTPParser, methods } = common;
if (typeof HTTPParser?.kOnHeadersComplete !== 'number' || methods[1] !== 'GET') {
  throw new Error(`Node ${process.version} has no HTTPParser in _http_common: find where its parser is now`);
}

/** One request or response. */
export interface Message {
  readonly version: string;
  /** Undefined for a response. */
  readonly method: string | undefined;
  /** Undefined for a response. */
  readonly url: string | undefined;
  /** Undefined for a request. */
  readonly status: number | undefined;
  /** A flat list of names, as written, and values. */
  readonly headers: readonly string[];
  /** Whether the connection can be used again after it. */
  readonly shouldKeepAlive: boolean;
  readonly isUpgrade: boolean;
  body: string;
  isComplete: boolean;
}

export interface Reading {
  /** The messages, without informational responses (1xx). */
  readonly messages: readonly Message[];
  /** The parse error, if any. */
  readonly error: string | undefined;
  /** Whether all bytes belong to complete messages. */
  readonly isComplete: boolean;
}

/** What follows the headers: the declared body, no body, or another protocol. */
const BODY_AS_DECLARED = 0;
const NO_BODY = 1;
const OTHER_PROTOCOL = 2;
const isInformation = (status: number | undefined): boolean => status !== undefined && status >= 100 && status < 200;

/** Reads the bytes of one connection. One object can read any number of connections, one after the other. */
export class Llhttp {
  readonly #parser = new HTTPParser();
  readonly #type: number;
  readonly #maxHeaderSize: number;
  #requestMethods: readonly string[] = [];
  #messages: Message[] = [];
  #isUnderWay = false;
  #isInformation = false;
  #url = '';
  #headers: string[] = [];

  constructor(type: 'requests' | 'responses', maxHeaderSize: number) {
    this.#type = type === 'requests' ? HTTPParser.REQUEST : HTTPParser.RESPONSE;
    this.#maxHeaderSize = maxHeaderSize;
    const parser = this.#parser;
    parser[HTTPParser.kOnMessageBegin] = () => {
      this.#isUnderWay = true;
      return undefined;
    };
    parser[HTTPParser.kOnHeaders] = (headers: string[], url: string) => {
      this.#headers.push(...headers);
      this.#url += url;
      return undefined;
    };
    parser[HTTPParser.kOnHeadersComplete] = this.#onHead;
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
      const last = this.#messages.at(-1);
      if (last) last.body += bytes.toString('latin1');
      return undefined;
    };
    parser[HTTPParser.kOnMessageComplete] = () => {
      const last = this.#messages.at(-1);
      // An informational response is not the final one.
      this.#isUnderWay = this.#isInformation;
      if (last && !this.#isInformation) last.isComplete = true;
      // Trailers.
      this.#headers = [];
      this.#url = '';
      return undefined;
    };
  }

  /** Reads chunks as they arrive. `requestMethods` are the methods of the responses' requests, GET by default. */
  read(pieces: Iterable<Buffer>, requestMethods: readonly string[] = [], ends = false): Reading {
    this.#requestMethods = requestMethods;
    this.#messages = [];
    this.#isUnderWay = false;
    this.#isInformation = false;
    this.#url = '';
    this.#headers = [];
    this.#parser.initialize(this.#type, {}, this.#maxHeaderSize, HTTPParser.kLenientNone);
    const error = this.#feed(pieces) ?? (ends ? wrongIn(this.#parser.finish()) : undefined);
    return { messages: this.#messages, error, isComplete: error === undefined && !this.#isUnderWay };
  }

  #feed(pieces: Iterable<Buffer>): string | undefined {
    for (const piece of pieces) {
      const read = this.#parser.execute(piece);
      const error = wrongIn(read);
      if (error !== undefined) return error;
      if (read !== piece.length) return 'another protocol follows';
    }
    return undefined;
  }

  readonly #onHead = (
    major: number,
    minor: number,
    headers: string[] | undefined,
    method: number | undefined,
    url: string | undefined,
    status: number | undefined,
    _statusMessage: string | undefined,
    isUpgrade: boolean,
    shouldKeepAlive: boolean,
  ): number => {
    this.#isInformation = isInformation(status) && !isUpgrade;
    const requestMethod = this.#requestMethods[this.#messages.length];
    const all = headers ?? this.#headers;
    const whole = url ?? this.#url;
    this.#headers = [];
    this.#url = '';
    // Like the client of node:http.
    if (this.#isInformation) return NO_BODY;
    this.#messages.push({
      version: `${major}.${minor}`,
      method: method === undefined ? undefined : methods[method],
      url: whole,
      status,
      headers: all,
      shouldKeepAlive,
      isUpgrade,
      body: '',
      isComplete: false,
    });
    if (isUpgrade) return OTHER_PROTOCOL;
    return requestMethod === 'HEAD' ? NO_BODY : BODY_AS_DECLARED;
  };
}

function wrongIn(read: number | Error | undefined): string | undefined {
  if (!(read instanceof Error)) return undefined;
  const reason: unknown = Reflect.get(read, 'reason');
  return typeof reason === 'string' ? reason : read.message;
}
