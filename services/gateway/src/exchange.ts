/** One request through the gateway: at most three tries, one answer, and an end in time. */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '@daybook/contracts';
import type { RetryBudget } from '@daybook/discovery';
import { contain, crossSite, guarded, requestTimeout, type Trace } from '@daybook/service';
import { BodyReader, type BodyReaderOwner, READ_MILLIS } from './body-reader.ts';
import type { AnswerOwner, ClientAnswer, ClientRequest } from './client.ts';
import type { ClientLimits } from './client-limits.ts';
import type { CompiledRoute } from './compile-routes.ts';
import type { SiteCheck } from './cross-site.ts';
import { type DeadlineOwner, Deadlines, type DeadlineWatch } from './deadlines.ts';
import { late, limitReached, outcomeUnknown, overloaded, tooLarge, unavailable, unsendable } from './failures.ts';
import { answeredHeaders, forwardedHeaders, forwardedLines, hasIdempotencyKey } from './headers.ts';
import type { LoadLimit } from './load-limit.ts';
import type { ExchangeReport, Outcome } from './outcomes.ts';
import { OWN_HEADERS } from './own-headers.ts';
import { type OwnAnswer, Passage } from './passage.ts';
import type { Refresher } from './refresher.ts';
import { announcedLength, BODY_LIMIT_BYTES, type BodyWatcher, RequestBody } from './request-body.ts';
import { UnsendableRequest, writeHead, writePlainHead } from './request-head.ts';
import { frameResponse } from './response-framing.ts';
import { pathOf } from './route-table.ts';
import { timeoutsOf } from './timeouts.ts';
import { isFailing, Tries, type TriesParts, type Try, type TryOwner } from './tries.ts';
import type { Forwarding } from './trusted-proxies.ts';
import type { AnswerStart } from './upstream/answer-parser.ts';
import { copyOf } from './upstream/copies.ts';
import { writeProblem } from './write-problem.ts';

const REFRESH_DEADLINE_MILLIS = 1_000;
/** What nginx writes into its log when the client did not wait for the answer. */
const CLIENT_GONE_STATUS = 499;
/** So that the requests of an instance that broke do not all come to the next one at the same moment. */
const LONGEST_JITTER_MILLIS = 25;
/** Services do a request with a key once for these, however often it is sent. No route for PATCH keeps its first response. */
const KEYED_METHODS = new Set(['POST']);
const EVENT_STREAM = /^text\/event-stream\b/i;

/** What every exchange works with. */
export interface ExchangeParts extends TriesParts {
  readonly refresher: Refresher;
  readonly forwarding: Forwarding;
  readonly clients: ClientLimits;
  readonly sites: SiteCheck;
  readonly deadlines: DeadlineWatch;
  readonly report: (report: ExchangeReport) => void;
  /** Whether clients are to be sent away after their answer. */
  readonly isLeaving: () => boolean;
  /** Whether nothing is to begin that has no end of its own. */
  readonly isClosing: () => boolean;
  /** Streams that have no end of their own, for whoever closes the gateway. */
  readonly streams: Set<Exchange>;
}

/** What the exchanges with one service share. */
export interface ServiceParts {
  readonly budget: RetryBudget;
  readonly load: LoadLimit;
}

/** What a client asks, and the way back to it. */
export interface Asked {
  readonly request: ClientRequest;
  /** Undefined for none. */
  readonly body: IncomingMessage | undefined;
  readonly answer: ClientAnswer;
  readonly requestId: string;
  readonly trace: Trace;
}

export class Exchange implements TryOwner, BodyReaderOwner, BodyWatcher, DeadlineOwner, AnswerOwner {
  readonly #parts: ExchangeParts;
  readonly #service: ServiceParts;
  readonly #route: CompiledRoute;
  readonly #request: ClientRequest;
  readonly #body: IncomingMessage | undefined;
  readonly #answer: ClientAnswer;
  /** Whose limits count. */
  readonly #client: string;
  readonly #requestId: string;
  readonly #trace: Trace;
  readonly #startedAt = performance.now();
  /** Since when it is the instance that is waited for. */
  #sentAt = this.#startedAt;
  readonly #deadlines: Deadlines;
  readonly #tries: Tries;
  /** Undefined where the route has no filters. */
  readonly #passage: Passage | undefined;
  #current: Try | undefined;
  /** As long as the first of the body has not come. */
  #reader: BodyReader | undefined;
  #readBytes = 0;
  #keptBody: Buffer | undefined;
  #bodyBegin: readonly Buffer[] = [];
  #isUpload = false;
  /** Whether the service was sent a key with the last attempt. */
  #isKeyed = false;
  #sendsBody = true;
  #refreshed = false;
  #isLoad: boolean;
  #outcome: Outcome | undefined;

  /** `client` has entered its limits; `asked` those of the service, unless it has a body. */
  constructor(parts: ExchangeParts, service: ServiceParts, route: CompiledRoute, client: string, asked: Asked) {
    const { request, body, answer, requestId, trace } = asked;
    this.#parts = parts;
    this.#service = service;
    this.#route = route;
    this.#client = client;
    this.#request = request;
    this.#body = body;
    this.#isLoad = body === undefined;
    this.#answer = answer;
    this.#requestId = requestId;
    this.#trace = trace;
    this.#tries = new Tries(parts, route, requestId, isSafe(request) && body === undefined);
    this.#passage = route.chain && new Passage(route.chain, request);
    this.#deadlines = new Deadlines(parts.deadlines, timeoutsOf(route), this.#startedAt, this);
    answer.watch(this);
  }

  begin(): void {
    if (this.#parts.sites.rejects(this.#route, this.#request)) {
      this.#refuse(crossSite(), 'refused');
      return;
    }
    const own = this.#passage?.admit();
    if (own instanceof Refusal) this.#refuse(own, 'refused');
    else if (own) this.#answerHere(own);
    else if (this.#isTooLarge) this.#refuse(tooLarge(), 'refused');
    else if (this.#body) this.#readBody(this.#body);
    else this.#pass();
  }

  get #isTooLarge(): boolean {
    return this.#body !== undefined && (announcedLength(this.#body) ?? 0) > this.#bodyLimitBytes;
  }

  get #bodyLimitBytes(): number {
    return this.#route.chain?.bodyLimitBytes ?? BODY_LIMIT_BYTES;
  }

  /** No instance is asked, and no limit of the service counts, before the body is there. */
  #readBody(body: IncomingMessage): void {
    const limit = this.#parts.clients.tryAcquire('pendingBodies', this.#client);
    if (limit) {
      this.#refuse(limitReached(limit, this.#route), 'shed');
      return;
    }
    this.#deadlines.bodyBegan(READ_MILLIS);
    this.#reader = new BodyReader(body, this);
  }

  #stopReading(): void {
    if (!this.#reader) return;
    this.#reader.stop();
    this.#reader = undefined;
    this.#parts.clients.release('pendingBodies', this.#client);
  }

  onBodyBytes(bytes: number): boolean {
    if (this.#readBytes + bytes > this.#bodyLimitBytes) {
      this.#refuse(tooLarge(), 'refused');
      return false;
    }
    const limit = this.#parts.clients.tryAcquire('bodyBytes', this.#client, bytes);
    if (limit) {
      this.#refuse(limitReached(limit, this.#route), 'shed');
      return false;
    }
    this.#readBytes += bytes;
    return true;
  }

  onBodyRead(chunks: readonly Buffer[], isWhole: boolean): void {
    this.#stopReading();
    if (isWhole) this.#keptBody = Buffer.concat(chunks);
    else this.#bodyBegin = chunks;
    const limit = isWhole ? undefined : this.#parts.clients.tryAcquire('uploads', this.#client);
    this.#isUpload = !isWhole && !limit;
    if (limit) this.#refuse(limitReached(limit, this.#route), 'shed');
    else if (!this.#service.load.tryEnter()) this.#refuse(overloaded(this.#route), 'shed');
    else {
      this.#isLoad = true;
      this.#sentAt = performance.now();
      this.#deadlines.bodyRead(this.#sentAt);
      this.#pass();
    }
  }

  #pass(): void {
    this.#service.budget.countRequest();
    this.#tryFirst();
  }

  #tryFirst(): void {
    if (this.#try()) return;
    if (this.#tries.hasBegun) this.#refuse(unavailable(this.#route), 'unavailable');
    else this.#beginRefreshed();
  }

  /** The time is over: for the request to come, for an instance to answer, or, once it did, for the client to take it. */
  onLate(): void {
    if (this.#outcome !== undefined) {
      // The client cannot take it before the responses that come before it.
      if (this.#answer.isDue || !this.#deadlines.waitInQueue()) this.#answer.destroy();
      return;
    }
    this.#deadlines.again();
    if (this.#waitsForBody()) this.#giveUp(requestTimeout(), 'refused');
    else this.#giveUp(late(), 'deadline');
  }

  /** Whether the rest of the body is wanted and the client does not send it. */
  #waitsForBody(): boolean {
    return this.#body !== undefined && !this.#body.complete && this.#body.readableFlowing === true;
  }

  #beginRefreshed(): void {
    this.#tryRefreshed().catch((failure) => contain(this.#answer, failure));
  }

  /** Where no instance is known, or none that is known can be reached, one may have come since the list was fetched. */
  async #tryRefreshed(): Promise<void> {
    this.#refreshed = true;
    await this.#parts.refresher.within(REFRESH_DEADLINE_MILLIS);
    if (this.#outcome === undefined && !this.#try()) this.#refuse(unavailable(this.#route), 'unavailable');
  }

  /** Sends the request to an instance that was not tried before; false when there is none. */
  #try(): boolean {
    this.#current = this.#tries.next(this);
    if (!this.#current) return false;
    this.#send(this.#current);
    return true;
  }

  #send(next: Try): void {
    try {
      next.send(this.#request.method ?? 'GET', this.#headFor(next), this.#bodyToSend());
    } catch (error) {
      if (!(error instanceof UnsendableRequest)) throw error;
      next.abandon();
      this.#refuse(unsendable(), 'refused');
    }
  }

  /** @throws UnsendableRequest */
  #headFor({ host }: Try): string {
    const { method = 'GET', url = '/', memo } = this.#request;
    const marks = {
      requestId: this.#requestId,
      traceparent: this.#trace.traceparent,
      forwarding: this.#parts.forwarding,
    };
    if (memo && !this.#passage) {
      return writePlainHead({ method, path: url, host }, forwardedLines(this.#request, memo, marks));
    }
    const headers = forwardedHeaders(this.#request, marks);
    const path = this.#passage ? this.#passage.send(headers) : url;
    this.#isKeyed = KEYED_METHODS.has(method) && hasIdempotencyKey(headers);
    return writeHead({ method, path, host }, headers, this.#bodyLength());
  }

  #bodyLength(): number | 'chunked' | undefined {
    if (!this.#body) return undefined;
    return this.#keptBody?.length ?? announcedLength(this.#body) ?? 'chunked';
  }

  #bodyToSend(): Buffer | RequestBody | undefined {
    if (!this.#body) return undefined;
    return this.#keptBody ?? new RequestBody(this.#body, this, this.#bodyLimitBytes, this.#bodyBegin);
  }

  onBodyMoved(): void {
    this.#deadlines.moved();
    this.#sentAt = performance.now();
  }

  onBodyTooLarge(): void {
    this.#giveUp(tooLarge(), 'refused');
  }

  onStart(start: AnswerStart): void {
    if (isFailing(start.status) && this.#tryInstead(start)) return;
    const now = performance.now();
    this.#endLoad(now);
    this.#forgetBody();
    const { headers, status, connection } = start;
    const list = answeredHeaders(headers, connection, this.#requestId);
    const given = this.#passage ? this.#passage.answer(status, list, true) : status;
    this.#sendsBody = frameResponse(list, { method: this.#request.method, received: status, sent: given });
    if (this.#parts.isLeaving()) list.push('connection', 'close');
    this.#answer.begin(given, list);
    if (isEventStream(headers)) this.#beginStream();
    else this.#deadlines.answerBegan(now);
  }

  /** Asks another instance, if there is one, before the client hears of an answer that is none. */
  #tryInstead(start: AnswerStart): boolean {
    if (!this.#isRepeatable()) return false;
    const before = this.#current;
    const next = this.#nextForRetry();
    if (!next) return false;
    before?.passOver(start);
    this.#sendSoon(next);
    return true;
  }

  #sendSoon(next: Try): void {
    this.#current = next;
    const send = guarded(this.#answer, () => {
      if (this.#outcome === undefined) this.#send(next);
    });
    setTimeout(send, Math.random() * LONGEST_JITTER_MILLIS);
  }

  #beginStream(): void {
    this.#deadlines.streamBegan();
    this.#parts.streams.add(this);
    if (this.#parts.isClosing()) this.endStream();
  }

  /** Ends a stream that would go on; clients come back to where it is served. */
  endStream(): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = 'answered';
    this.#answer.end();
    this.#current?.abandon();
  }

  onData(chunk: Buffer): void {
    this.#deadlines.moved();
    if (!this.#sendsBody) return;
    const { bytes, giveBack } = copyOf(chunk);
    if (!this.#answer.write(bytes, giveBack)) this.#current?.pause();
  }

  onAnswerDrained(): void {
    this.#current?.resume();
  }

  /** The client is told what is known, however long the rest takes. */
  onPause(): void {
    this.#answer.flush();
  }

  onEnd(last: Buffer | undefined): void {
    this.#outcome = 'answered';
    this.#answer.end(this.#sendsBody ? last : undefined);
  }

  onFailure(wasSent: boolean): void {
    if (this.#answer.status !== undefined) this.#giveUp(unavailable(this.#route), 'broken');
    else if (wasSent) this.#tryAgain();
    else this.#tryAnother();
  }

  /** Nothing was sent, so that nothing can be done twice, and nobody does more for it. */
  #tryAnother(): void {
    this.#parts.refresher.soon();
    if (this.#try()) return;
    if (this.#refreshed) this.#refuse(unavailable(this.#route), 'unavailable');
    else this.#beginRefreshed();
  }

  #tryAgain(): void {
    if (!this.#isRepeatable()) {
      this.#refuse(outcomeUnknown(this.#route), 'unavailable');
      return;
    }
    const next = this.#nextForRetry();
    if (next) this.#sendSoon(next);
    else if (this.#refreshed) this.#refuse(unavailable(this.#route), 'unavailable');
    else this.#beginRefreshed();
  }

  /** Another instance, if there is one and retries are a small enough part of what the service is asked. */
  #nextForRetry(): Try | undefined {
    const next = this.#tries.next(this);
    if (next && this.#service.budget.tryRetry()) return next;
    next?.abandon();
    return undefined;
  }

  /** Whether it does no harm to have it done twice, and all of it can be sent again. */
  #isRepeatable(): boolean {
    if (!this.#body) return isSafe(this.#request) || this.#isKeyed;
    return this.#isKeyed && this.#keptBody !== undefined;
  }

  /** Ends what is under way. Where the answer has begun, a broken connection is the only way to say that it is not whole. */
  #giveUp(refusal: Refusal, outcome: Outcome): void {
    const hasBegun = this.#answer.status !== undefined;
    if (hasBegun) {
      this.#outcome = outcome;
      this.#answer.destroy();
    } else {
      this.#refuse(refusal, outcome);
    }
    this.#current?.abandon(outcome === 'deadline' && !hasBegun);
  }

  #refuse(refusal: Refusal, outcome: Outcome): void {
    this.#outcome = outcome;
    this.#stopReading();
    writeProblem(this.#answer, refusal, {
      path: pathOf(this.#request),
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
      passage: this.#passage,
    });
  }

  /** What a filter answers instead of a service. */
  #answerHere({ status, headers }: OwnAnswer): void {
    this.#outcome = 'answered-here';
    const list = [...OWN_HEADERS, ...headers, 'x-request-id', this.#requestId];
    this.#answer.begin(this.#passage?.answer(status, list, false) ?? status, list);
    this.#answer.end();
  }

  /** It is not sent again. */
  #forgetBody(): void {
    if (this.#readBytes === 0) return;
    this.#keptBody = undefined;
    this.#parts.clients.release('bodyBytes', this.#client, this.#readBytes);
    this.#readBytes = 0;
  }

  /** What the service does from here on is to send what it has. */
  #endLoad(now: number): void {
    if (!this.#isLoad) return;
    this.#isLoad = false;
    this.#service.load.took(now - this.#sentAt);
    this.#service.load.leave();
  }

  /** The answer is out, or the client is gone: the end of every exchange. */
  onAnswerClosed(): void {
    const now = performance.now();
    this.#deadlines.stop();
    this.#endLoad(now);
    this.#stopReading();
    this.#forgetBody();
    if (this.#isUpload) this.#parts.clients.release('uploads', this.#client);
    this.#parts.clients.release('requests', this.#client);
    this.#parts.streams.delete(this);
    if (this.#outcome === undefined || (this.#outcome === 'answered' && !this.#answer.isSent)) {
      this.#outcome = 'client-gone';
      this.#current?.abandon();
    }
    if (this.#parts.isLeaving()) this.#answer.sendAway();
    this.#parts.report({
      method: this.#request.method ?? 'GET',
      route: this.#route.id,
      outcome: this.#outcome,
      status: this.#answer.status ?? CLIENT_GONE_STATUS,
      durationMillis: now - this.#startedAt,
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
    });
  }
}

const isSafe = ({ method }: ClientRequest): boolean => method === 'GET' || method === 'HEAD';

function isEventStream(headers: readonly string[]): boolean {
  const index = headers.indexOf('content-type');
  return index !== -1 && EVENT_STREAM.test(headers[index + 1] ?? '');
}
