/** One WebSocket through the gateway: its handshake with an instance, then a tunnel. */
import { type ClientRequest, type IncomingMessage, ServerResponse, request as send } from 'node:http';
import { request as sendSecurely } from 'node:https';
import type { Socket } from 'node:net';
import { Refusal } from '@daybook/contracts';
import type { Lease } from '@daybook/discovery';
import { closeLingering, crossSite, guarded, ignoreError, requestIdOf, traceOf } from '@daybook/service';
import { clientKey } from './addresses.ts';
import { beginHandshake, type PendingHandshake } from './client-limits.ts';
import type { CompiledRoute } from './compile-routes.ts';
import type { ExchangeParts } from './exchange.ts';
import { codeOf, late, limitReached, overloaded, unavailable } from './failures.ts';
import { answeredHeaders, forwardedHeaders } from './headers.ts';
import { NodeAnswer } from './node-answer.ts';
import type { Outcome } from './outcomes.ts';
import { OWN_HEADERS } from './own-headers.ts';
import { type OwnAnswer, Passage } from './passage.ts';
import { frameResponse } from './response-framing.ts';
import { pathOf } from './route-table.ts';
import { timeoutsOf } from './timeouts.ts';
import { failureOf, Tries } from './tries.ts';
import type { Tunnels } from './tunnels.ts';
import { isAccepted, isHandshake } from './web-socket.ts';
import { writeProblem } from './write-problem.ts';

const notAHandshake = () => new Refusal('invalid-request', 'The request does not begin a WebSocket of version 13.');

export interface UpgradeParts extends ExchangeParts {
  readonly tunnels: Tunnels;
}

export class Upgrade {
  readonly #parts: UpgradeParts;
  readonly #route: CompiledRoute;
  readonly #request: IncomingMessage;
  readonly #client: Socket;
  /** What the client sent already. */
  readonly #head: Buffer;
  readonly #response: ServerResponse;
  /** For what the gateway answers itself. */
  readonly #answer: NodeAnswer;
  readonly #requestId: string;
  readonly #trace;
  readonly #passage: Passage | undefined;
  readonly #tries: Tries;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #asked: ClientRequest | undefined;
  #lease: Lease | undefined;
  #pending: PendingHandshake | undefined;
  #isTunnel = false;
  #outcome: Outcome | undefined;

  constructor(parts: UpgradeParts, route: CompiledRoute, request: IncomingMessage, client: Socket, head: Buffer) {
    this.#parts = parts;
    this.#route = route;
    this.#request = request;
    this.#client = client;
    this.#head = head;
    this.#requestId = requestIdOf(request);
    this.#trace = traceOf(request.headers.traceparent);
    this.#passage = route.chain && new Passage(route.chain, request);
    this.#tries = new Tries(parts, route, this.#requestId, true);
    this.#response = this.#responseOn(client);
    this.#answer = new NodeAnswer(request, this.#response);
    this.#timer = setTimeout(
      guarded(client, () => this.#onLate()),
      timeoutsOf(route).headersMillis,
    );
    client.on('error', ignoreError).once(
      'close',
      guarded(client, () => this.#closed()),
    );
  }

  /** For every answer but a tunnel. Node has none to give on a connection that asked for an upgrade. */
  #responseOn(client: Socket): ServerResponse {
    const response = new ServerResponse(this.#request);
    response.shouldKeepAlive = false;
    response.assignSocket(client);
    response.once(
      'finish',
      guarded(client, () => closeLingering(client)),
    );
    return response;
  }

  begin(): void {
    if (this.#parts.sites.rejectsUpgrade(this.#route, this.#request)) {
      this.#refuse(crossSite(), 'refused');
      return;
    }
    const own = this.#passage?.admit();
    if (own instanceof Refusal) this.#refuse(own, 'refused');
    else if (own) this.#answerHere(own);
    else if (!isHandshake(this.#request)) this.#refuse(notAHandshake(), 'refused');
    else if (this.#parts.tunnels.isFull || this.#parts.isClosing()) this.#refuse(overloaded(this.#route), 'shed');
    else this.#tryWithinLimits();
  }

  #tryWithinLimits(): void {
    const { clients, forwarding } = this.#parts;
    const pending = beginHandshake(clients, clientKey(forwarding.clientAddressOf(this.#request)));
    if (typeof pending === 'string') {
      this.#refuse(limitReached(pending, this.#route), 'shed');
      return;
    }
    this.#pending = pending;
    this.#try();
  }

  #try(): void {
    this.#lease = this.#tries.instance();
    if (!this.#lease) {
      this.#refuse(unavailable(this.#route), 'unavailable');
      return;
    }
    const client = this.#client;
    const { url } = this.#lease.instance;
    const { url: path = '/' } = this.#request;
    const marks = {
      requestId: this.#requestId,
      traceparent: this.#trace.traceparent,
      forwarding: this.#parts.forwarding,
    };
    const list = forwardedHeaders(this.#request, marks);
    const asked = this.#passage ? this.#passage.send(list) : path;
    const { lookup } = this.#parts.upstreams;
    const options = { path: asked, headers: handshakeHeaders(list), agent: false, lookup };
    const request = url.startsWith('https:') ? sendSecurely(url, options) : send(url, options);
    this.#asked = request
      .on(
        'upgrade',
        guarded(client, (answer: IncomingMessage, instance: Socket, head: Buffer) =>
          this.#upgraded(answer, instance, head),
        ),
      )
      .on(
        'response',
        guarded(client, (answer: IncomingMessage) => this.#passOn(answer)),
      )
      .on(
        'error',
        guarded(client, (error: Error) => this.#failed(error)),
      );
    request.end();
  }

  /** Nothing was said on the connection but the handshake, which does nothing: another instance may be asked. */
  #failed(error: Error): void {
    if (this.#outcome !== undefined || !this.#lease) return;
    this.#tries.failed(this.#lease.instance, codeOf(error), failureOf(error));
    this.#letGo();
    if (this.#response.headersSent) this.#client.destroy();
    else this.#try();
  }

  #upgraded(answer: IncomingMessage, instance: Socket, head: Buffer): void {
    const key = this.#request.headers['sec-websocket-key'] ?? '';
    // Before anything can fail: an instance that resets the connection would end the process.
    instance.on('error', ignoreError);
    if (this.#outcome !== undefined) {
      instance.destroy();
    } else if (isAccepted(key, answer.headers)) {
      this.#tunnel(answer, this.#client, instance, head);
    } else {
      instance.destroy();
      this.#failed(new Error('its answer is to no handshake of ours'));
    }
  }

  #tunnel(answer: IncomingMessage, client: Socket, instance: Socket, head: Buffer): void {
    this.#outcome = 'answered';
    this.#pending?.over();
    clearTimeout(this.#timer);
    if (this.#lease) this.#tries.worked(this.#lease.instance);
    this.#response.detachSocket(client);
    const headers = this.#headersOf(answer, 101, ['connection', 'Upgrade', 'upgrade', 'websocket']);
    client.write(`HTTP/1.1 101 Switching Protocols\r\n${linesOf(headers.list)}\r\n`, 'latin1');
    if (head.length > 0) client.write(head);
    if (this.#head.length > 0) instance.write(this.#head);
    this.#isTunnel = true;
    const closed = () => {
      this.#pending?.closed();
      this.#letGo();
    };
    void this.#parts.tunnels.open(client, instance).then(guarded(client, closed));
  }

  /** The instance does not want it, and says why. */
  #passOn(answer: IncomingMessage): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = 'answered';
    if (this.#lease) this.#tries.worked(this.#lease.instance);
    const received = answer.statusCode ?? 502;
    const { status, list } = this.#headersOf(answer, received, ['connection', 'close']);
    const hasBody = frameResponse(list, { method: 'GET', received, sent: status });
    this.#response.writeHead(status, list);
    const client = this.#client;
    answer.on(
      'error',
      guarded(client, () => void client.destroy()),
    );
    if (hasBody) answer.pipe(this.#response);
    else this.#response.end(guarded(client, () => void answer.destroy()));
  }

  #headersOf(answer: IncomingMessage, status: number, own: readonly string[]) {
    const headers = answer.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
    const list = answeredHeaders(headers, answer.headers.connection, this.#requestId);
    const given = this.#passage?.answer(status, list, true) ?? status;
    list.push(...own);
    return { status: given, list };
  }

  #onLate(): void {
    if (this.#outcome !== undefined) {
      this.#client.destroy();
      return;
    }
    if (this.#lease) this.#tries.failed(this.#lease.instance, 'no answer in time', 'failing');
    this.#refuse(late(), 'deadline');
    this.#timer.refresh();
    this.#asked?.destroy();
  }

  #refuse(refusal: Refusal, outcome: Outcome): void {
    this.#outcome = outcome;
    this.#pending?.closed();
    writeProblem(this.#answer, refusal, {
      path: pathOf(this.#request),
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
      passage: this.#passage,
    });
  }

  #answerHere({ status, headers }: OwnAnswer): void {
    this.#outcome = 'answered-here';
    const list = [...OWN_HEADERS, ...headers, 'x-request-id', this.#requestId];
    this.#response.writeHead(this.#passage?.answer(status, list, false) ?? status, list);
    this.#response.end();
  }

  #letGo(): void {
    if (!this.#lease) return;
    this.#tries.over(this.#lease.instance);
    this.#lease.release();
    this.#lease = undefined;
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#outcome ??= 'client-gone';
    if (!this.#isTunnel) {
      this.#pending?.closed();
      this.#asked?.destroy();
      this.#letGo();
    }
    this.#parts.report({
      method: 'GET',
      route: this.#route.id,
      outcome: this.#outcome,
      status: this.#isTunnel ? 101 : this.#response.headersSent ? this.#response.statusCode : 499,
      durationMillis: performance.now() - this.#startedAt,
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
    });
  }
}

/** As node:http takes them: a name once. */
function handshakeHeaders(list: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] ?? '';
    headers[name] = [...(headers[name] ?? []), list[index + 1] ?? ''];
  }
  return { ...headers, connection: ['Upgrade'], upgrade: ['websocket'] };
}

function linesOf(list: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < list.length; index += 2) lines += `${list[index]}: ${list[index + 1]}\r\n`;
  return lines;
}
