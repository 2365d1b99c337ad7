/** For tests: a small real registry that speaks Eureka's protocol, streams changes, and can be made to misbehave. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readJson, startServer, type TestServer } from '../testing.ts';

/** An entry of a list. The registry of another vendor may hold anything. */
export type Document = Readonly<Record<string, unknown>>;
type Action = 'ADDED' | 'MODIFIED' | 'DELETED';

const statusOf = (document: Document): string => String(document.status);
const idOf = (document: Document): string => String(document.instanceId ?? document.hostName);

export class TestRegistry {
  /** By id. */
  readonly documents = new Map<string, Document>();
  /** The contents of the delta; a test may remove some. */
  changes: Document[] = [];
  /** The registered documents, in order of arrival. */
  readonly registered: Document[] = [];
  readonly streams = new Set<ServerResponse>();
  /** Handles a request instead of the registry when it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  hasStream = true;
  readonly #overrides = new Map<string, string>();
  #server: TestServer | undefined;

  async start(port = 0): Promise<void> {
    this.#server = await startServer((request, response) => void this.#handle(request, response), port);
  }

  /** Returns the requests, such as `GET apps/`, in order of arrival. */
  get requests(): string[] {
    return this.#running.requests.map((line) => line.replace('/eureka/', ''));
  }

  count(request: string): number {
    return this.requests.filter((line) => line === request).length;
  }

  get url(): string {
    return `${this.#running.url}/eureka`;
  }

  get port(): number {
    return this.#running.port;
  }

  async close(): Promise<void> {
    await this.#running.close();
  }

  put(document: Document): void {
    const action = this.documents.has(idOf(document)) ? 'MODIFIED' : 'ADDED';
    this.documents.set(idOf(document), document);
    this.#streamChange(action, document);
  }

  remove(id: string): void {
    const document = this.documents.get(id);
    this.documents.delete(id);
    if (document) this.#streamChange('DELETED', document);
  }

  get hash(): string {
    const byStatus = Map.groupBy([...this.documents.values()], statusOf);
    return [...byStatus]
      .map(([status, members]) => `${status}_${members.length}_`)
      .sort()
      .join('');
  }

  /** Writes to all open streams. */
  write(text: string): void {
    for (const stream of this.streams) stream.write(text);
  }

  get #running(): TestServer {
    if (!this.#server) throw new Error('Start the registry first.');
    return this.#server;
  }

  #streamChange(action: Action, instance: Document): void {
    this.changes.push({ ...instance, actionType: action });
    this.write(`event: change\ndata: ${JSON.stringify({ action, instance, hash: this.hash })}\n\n`);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.intercept(request, response)) return;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://registry');
    const [area, app, id, part] = pathname.replace('/eureka/', '').split('/').map(decodeURIComponent);
    if (area === 'stream') this.#stream(response);
    else if (area !== 'apps') response.writeHead(404).end();
    else if (request.method === 'POST') await this.#register(request, response);
    else if (request.method === 'GET') this.#list(response, app ?? '', id);
    else if (id === undefined || !this.documents.has(id)) response.writeHead(404).end();
    else response.writeHead(this.#change(`${request.method} ${part ?? ''}`, id, searchParams.get('value'))).end();
  }

  #stream(response: ServerResponse): void {
    if (!this.hasStream) {
      response.writeHead(404).end();
      return;
    }
    this.streams.add(response);
    response.once('close', () => this.streams.delete(response));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: hello\ndata: ${JSON.stringify({ hash: this.hash })}\n\n`);
  }

  async #register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    const instance = isDocument(body) && isDocument(body.instance) ? body.instance : undefined;
    if (!instance) {
      response.writeHead(400).end();
      return;
    }
    this.registered.push(instance);
    this.put({ ...instance, status: this.#overrides.get(idOf(instance)) ?? instance.status });
    response.writeHead(204).end();
  }

  #list(response: ServerResponse, app: string, id: string | undefined): void {
    const instances = app === 'delta' ? this.changes : [...this.documents.values()];
    const byName = Map.groupBy(instances, (document) => String(document.app));
    const application = [...byName].map(([name, instance]) => ({ name, instance }));
    const applications = { versions__delta: '1', apps__hashcode: this.hash, application };
    const instance = this.documents.get(id ?? '');
    const found = id === undefined ? app === '' || app === 'delta' : instance !== undefined;
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(found ? JSON.stringify(instance ? { instance } : { applications }) : '');
  }

  #change(what: string, id: string, value: string | null): number {
    const document = this.documents.get(id);
    // Like Netflix's server after the removal of an override: the instance must report its status again.
    if (what === 'PUT ' && document?.status === 'UNKNOWN') return 404;
    if (what === 'DELETE ') this.remove(id);
    else if (what === 'PUT status' && value !== null) {
      this.#overrides.set(id, value);
      this.put({ ...document, status: value });
    } else if (what === 'DELETE status') {
      this.#overrides.delete(id);
      this.put({ ...document, status: value ?? 'UNKNOWN' });
    }
    return 200;
  }
}

const isDocument = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the registration of an instance at `http://127.0.0.1:{port}`. */
export const documentAt = (port: number, changes: Document = {}): Document => ({
  instanceId: `127.0.0.1:patient-service:${port}`,
  hostName: '127.0.0.1',
  app: 'PATIENT-SERVICE',
  vipAddress: 'patient-service',
  status: 'UP',
  port: { $: port, '@enabled': 'true' },
  ...changes,
});
