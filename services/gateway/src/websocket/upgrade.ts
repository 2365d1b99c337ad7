/** Carries one WebSocket through the gateway: a handshake with an instance, then a tunnel. */
import { type ClientRequest, type IncomingMessage, ServerResponse, request as send } from 'node:http';
import { request as sendSecurely } from 'node:https';
import type { Socket } from 'node:net';
import { Refusal } from '@daybook/contracts';
import type { Selection } from '@daybook/discovery';
import { closeLingering, contain, crossSite, guarded, ignoreError, requestIdOf, traceOf } from '@daybook/service';
import type { Authenticated } from '../authentication/authentication.ts';
import { rememberCaller } from '../authentication/verified-callers.ts';
import { FilterRun } from '../filters/chain.ts';
import { clientKey } from '../http/addresses.ts';
import { ALL_CREDENTIALS, type ForwardedCredentials, OWN_CREDENTIALS } from '../http/forwarded-credentials.ts';
import { NodeResponse } from '../http/node-response.ts';
import { frameResponse } from '../http/response-framing.ts';
import type { Outcome } from '../proxy/access-log.ts';
import { failureKindOf } from '../proxy/attempt.ts';
import { deadlineExceeded, errorCodeOf, limitReached, overloaded, serviceUnavailable } from '../proxy/errors.ts';
import type { ExchangeDependencies } from '../proxy/exchange-dependencies.ts';
import { forwardedRequestHeaders, forwardedResponseHeaders } from '../proxy/headers.ts';
import { InstanceSelector } from '../proxy/instance-selector.ts';
import { localOutcomeOf, sendLocalResponse } from '../proxy/local-response.ts';
import { beginHandshake, type PendingHandshake } from '../resilience/client-limits.ts';
import type { CompiledRoute } from '../routes/compiler.ts';
import type { LocalResponse } from '../routes/filter.ts';
import { timeoutsOf } from '../routes/timeouts.ts';
import { isAccepted, isHandshake } from './handshake.ts';
import type { Tunnels } from './tunnels.ts';

const notAHandshake = () => new Refusal('invalid-request', 'The request is not a WebSocket handshake of version 13.');

export interface UpgradeDependencies extends ExchangeDependencies {
  readonly tunnels: Tunnels;
}

export class Upgrade {
  readonly #dependencies: UpgradeDependencies;
  readonly #route: CompiledRoute;
  readonly #request: IncomingMessage;
  readonly #client: Socket;
  /** The bytes that the client has already sent. */
  readonly #head: Buffer;
  readonly #response: ServerResponse;
  /** For the gateway's own responses. */
  readonly #nodeResponse: NodeResponse;
  readonly #requestId: string;
  readonly #trace;
  readonly #filterRun: FilterRun | undefined;
  readonly #selector: InstanceSelector;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #upstreamRequest: ClientRequest | undefined;
  #selection: Selection | undefined;
  #pendingHandshake: PendingHandshake | undefined;
  #credentials: ForwardedCredentials = OWN_CREDENTIALS;
  #isTunnel = false;
  #outcome: Outcome | undefined;

  constructor(
    dependencies: UpgradeDependencies,
    route: CompiledRoute,
    request: IncomingMessage,
    client: Socket,
    head: Buffer,
  ) {
    this.#dependencies = dependencies;
    this.#route = route;
    this.#request = request;
    this.#client = client;
    this.#head = head;
    this.#requestId = requestIdOf(request);
    this.#trace = traceOf(request.headers.traceparent);
    this.#filterRun = route.chain && new FilterRun(route.chain, request);
    this.#selector = new InstanceSelector(dependencies, route, this.#requestId, true);
    this.#response = this.#responseOn(client);
    this.#nodeResponse = new NodeResponse(request, this.#response);
    this.#timer = setTimeout(
      guarded(client, () => this.#onTimeout()),
      timeoutsOf(route).headersMillis,
    );
    client.on('error', ignoreError).once(
      'close',
      guarded(client, () => this.#onClose()),
    );
  }

  /** Creates the response for every outcome but a tunnel. Node does not provide one after an upgrade request. */
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
    if (this.#dependencies.siteCheck.rejectsUpgrade(this.#route, this.#request))
      this.#respondLocally(crossSite(), 'refused');
    else if (!isHandshake(this.#request)) this.#respondLocally(notAHandshake(), 'refused');
    else if (this.#dependencies.tunnels.isFull || this.#dependencies.isClosing())
      this.#respondLocally(overloaded(this.#route), 'shed');
    else this.#authenticateWithinLimits();
  }

  #authenticateWithinLimits(): void {
    const { clientLimits, forwarding, authentication } = this.#dependencies;
    const client = clientKey(forwarding.clientAddressOf(this.#request));
    const pendingHandshake = beginHandshake(clientLimits, client);
    if (typeof pendingHandshake === 'string') {
      this.#respondLocally(limitReached(pendingHandshake, this.#route), 'shed');
      return;
    }
    this.#pendingHandshake = pendingHandshake;
    // Identity reads the credentials itself.
    if (this.#route.isOfIdentity) {
      this.#forward({ caller: undefined, credentials: ALL_CREDENTIALS });
      return;
    }
    const result = authentication.authenticate(this.#request, { client, isUpgrade: true });
    if (result instanceof Promise) this.#awaitCaller(result);
    else this.#onAuthenticated(result);
  }

  #awaitCaller(pending: Promise<Authenticated | Refusal>): void {
    const onResult = guarded(this.#client, (result: Authenticated | Refusal): void => {
      if (this.#outcome === undefined) this.#onAuthenticated(result);
    });
    pending.then(onResult, (failure: unknown) => contain(this.#client, failure));
  }

  #onAuthenticated(result: Authenticated | Refusal): void {
    if (result instanceof Refusal) this.#respondLocally(result, 'refused');
    else this.#forward(result);
  }

  #forward({ caller, credentials }: Authenticated): void {
    this.#credentials = credentials;
    if (caller && this.#filterRun) rememberCaller(this.#request, caller);
    const local = this.#filterRun?.onRequest();
    if (local) this.#respondLocally(local, localOutcomeOf(local));
    else this.#attempt();
  }

  #attempt(): void {
    this.#selection = this.#selector.selectUsable();
    if (!this.#selection) {
      this.#respondLocally(serviceUnavailable(this.#route), 'unavailable');
      return;
    }
    const client = this.#client;
    const { url } = this.#selection.instance;
    const { url: path = '/' } = this.#request;
    const fields = {
      requestId: this.#requestId,
      traceparent: this.#trace.traceparent,
      forwarding: this.#dependencies.forwarding,
      credentials: this.#credentials,
    };
    const list = forwardedRequestHeaders(this.#request, fields);
    const upstreamPath = this.#filterRun ? this.#filterRun.onUpstreamRequest(list) : path;
    const { lookup } = this.#dependencies.upstreams;
    const options = { path: upstreamPath, headers: handshakeHeaders(list), agent: false, lookup };
    const request = url.startsWith('https:') ? sendSecurely(url, options) : send(url, options);
    this.#upstreamRequest = request
      .on(
        'upgrade',
        guarded(client, (upstreamResponse: IncomingMessage, instance: Socket, head: Buffer) =>
          this.#onUpgrade(upstreamResponse, instance, head),
        ),
      )
      .on(
        'response',
        guarded(client, (upstreamResponse: IncomingMessage) => this.#forwardResponse(upstreamResponse)),
      )
      .on(
        'error',
        guarded(client, (error: Error) => this.#onFailure(error)),
      );
    request.end();
  }

  /** Retries on another instance, because only a handshake without effect was sent. */
  #onFailure(error: Error): void {
    if (this.#outcome !== undefined || !this.#selection) return;
    this.#selector.recordFailure(this.#selection.instance, errorCodeOf(error), failureKindOf(error));
    this.#releaseInstance();
    if (this.#response.headersSent) this.#client.destroy();
    else this.#attempt();
  }

  #onUpgrade(upstreamResponse: IncomingMessage, instance: Socket, head: Buffer): void {
    const key = this.#request.headers['sec-websocket-key'] ?? '';
    // Added before a failure is possible. Otherwise a reset by the instance would end the process.
    instance.on('error', ignoreError);
    if (this.#outcome !== undefined) {
      instance.destroy();
    } else if (isAccepted(key, upstreamResponse.headers)) {
      this.#tunnel(upstreamResponse, this.#client, instance, head);
    } else {
      instance.destroy();
      this.#onFailure(new Error('the response does not accept the handshake'));
    }
  }

  #tunnel(upstreamResponse: IncomingMessage, client: Socket, instance: Socket, head: Buffer): void {
    this.#outcome = 'proxied';
    this.#pendingHandshake?.end();
    clearTimeout(this.#timer);
    if (this.#selection) this.#selector.recordSuccess(this.#selection.instance);
    this.#response.detachSocket(client);
    const headers = this.#headersOf(upstreamResponse, 101, ['connection', 'Upgrade', 'upgrade', 'websocket']);
    client.write(`HTTP/1.1 101 Switching Protocols\r\n${headerLines(headers.list)}\r\n`, 'latin1');
    if (head.length > 0) client.write(head);
    if (this.#head.length > 0) instance.write(this.#head);
    this.#isTunnel = true;
    const closed = () => {
      this.#pendingHandshake?.closed();
      this.#releaseInstance();
    };
    void this.#dependencies.tunnels.open(client, instance).then(guarded(client, closed));
  }

  /** Forwards the response of an instance that rejects the WebSocket. */
  #forwardResponse(upstreamResponse: IncomingMessage): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = 'proxied';
    if (this.#selection) this.#selector.recordSuccess(this.#selection.instance);
    const received = upstreamResponse.statusCode ?? 502;
    const { status, list } = this.#headersOf(upstreamResponse, received, ['connection', 'close']);
    const hasBody = frameResponse(list, { method: 'GET', received, sent: status });
    this.#response.writeHead(status, list);
    const client = this.#client;
    upstreamResponse.on(
      'error',
      guarded(client, () => void client.destroy()),
    );
    if (hasBody) upstreamResponse.pipe(this.#response);
    else this.#response.end(guarded(client, () => void upstreamResponse.destroy()));
  }

  #headersOf(upstreamResponse: IncomingMessage, status: number, own: readonly string[]) {
    const headers = upstreamResponse.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
    const list = forwardedResponseHeaders(headers, upstreamResponse.headers.connection, this.#requestId);
    const sentStatus = this.#filterRun?.onResponse(status, list, true) ?? status;
    list.push(...own);
    return { status: sentStatus, list };
  }

  #onTimeout(): void {
    if (this.#outcome !== undefined) {
      this.#client.destroy();
      return;
    }
    if (this.#selection) this.#selector.recordFailure(this.#selection.instance, 'no response in time', 'failing');
    this.#respondLocally(deadlineExceeded(), 'timeout');
    this.#timer.refresh();
    this.#upstreamRequest?.destroy();
  }

  /** Ends the upgrade with a response of the gateway or of a filter. */
  #respondLocally(local: Refusal | LocalResponse, outcome: Outcome): void {
    this.#outcome = outcome;
    this.#pendingHandshake?.closed();
    sendLocalResponse(this.#nodeResponse, local, {
      request: this.#request,
      requestId: this.#requestId,
      trace: this.#trace,
      filterRun: this.#filterRun,
    });
  }

  #releaseInstance(): void {
    if (!this.#selection) return;
    this.#selector.recordEnd(this.#selection.instance);
    this.#selection.release();
    this.#selection = undefined;
  }

  #onClose(): void {
    clearTimeout(this.#timer);
    this.#outcome ??= 'client-closed-request';
    if (!this.#isTunnel) {
      this.#pendingHandshake?.closed();
      this.#upstreamRequest?.destroy();
      this.#releaseInstance();
    }
    this.#dependencies.report({
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

/** Groups the values by name, as node:http expects. */
function handshakeHeaders(list: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] ?? '';
    headers[name] = [...(headers[name] ?? []), list[index + 1] ?? ''];
  }
  return { ...headers, connection: ['Upgrade'], upgrade: ['websocket'] };
}

function headerLines(list: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < list.length; index += 2) lines += `${list[index]}: ${list[index + 1]}\r\n`;
  return lines;
}
