/**
 * Lists the parked events of all services. Each consumer has its own route in routes.json, below the path of this list.
 * That route sends the consumer's events again, and its service supplies the consumer's part of the list.
 */
import {
  DEFAULT_LIMIT,
  PARKED_EVENTS_PATH,
  type PageOf,
  type ParkedEvent,
  ParkedEventPage,
  ParkedEventQuery,
  Refusal,
} from '@daybook/contracts';
import type { Balancer, Discovery, ServiceClient } from '@daybook/discovery';
import {
  type App,
  bindCursor,
  type CursorKey,
  createValidator,
  encodeCursor,
  keyOfParkedEvent,
  type Logger,
  readParkedEventCursor,
  sendPage,
} from '@daybook/service';
import { serviceUnavailable } from '../proxy/errors.ts';
import type { Route } from '../routes/route.ts';
import type { RouteStore } from '../routes/route-store.ts';
import { createServiceClients } from './service-clients.ts';

const DEADLINE_MILLIS = 2_000;

export interface ParkedEventDependencies {
  routes: RouteStore;
  discovery: Discovery;
  balancer: Balancer;
  logger: Logger;
}

type Page = PageOf<ParkedEvent>;

interface Source {
  readonly service: string;
  readonly client: ServiceClient;
}

const checkPage = createValidator(ParkedEventPage);

/** Returns the services that have a consumer, each once. */
export const servicesWithConsumers = (routes: readonly Route[]): string[] => [
  ...new Set(
    routes
      .filter(({ predicates }) => predicates.path.some((path) => path.startsWith(`${PARKED_EVENTS_PATH}/`)))
      .map(({ service }) => service),
  ),
];

export function addParkedEvents(app: App, { routes, discovery, balancer, logger }: ParkedEventDependencies): void {
  const clients = createServiceClients({ discovery, balancer, logger, deadlineMillis: DEADLINE_MILLIS });
  app.addHook('onClose', () => clients.close());

  const schema = { operationId: 'listParkedEvents', querystring: ParkedEventQuery };
  app.get(PARKED_EVENTS_PATH, { schema }, async (request, reply) => {
    const sources = clients.of(servicesWithConsumers(routes.current.routes));
    // Without a service to query, an empty list would be false.
    if (sources.length === 0) throw new Refusal('not-found', 'There is nothing at this address.');
    const { limit = DEFAULT_LIMIT, cursor } = request.query;
    // An invalid cursor is rejected here, at the address of the request.
    readParkedEventCursor(cursor);
    const next = cursor === undefined ? {} : { cursor: bindCursor(request, cursor) };
    const query = new URLSearchParams({ limit: String(limit), ...next });
    const { authorization } = request.headers;
    const headers = {
      traceparent: request.trace.traceparent,
      'x-request-id': request.id,
      ...(authorization !== undefined && { authorization }),
    };
    const path = `${PARKED_EVENTS_PATH}?${query}`;
    const pages = await Promise.all(sources.map((part) => pageOf(part, path, headers)));
    sendPage(request, reply, merge(pages, limit));
    return reply;
  });
}

/** Fetches one page of one service. @throws Refusal `unauthenticated`, `forbidden`, `service-unavailable` */
async function pageOf({ service, client }: Source, path: string, headers: Record<string, string>): Promise<Page> {
  const { status, body } = await client.get(path, { headers });
  if (status === 401) throw new Refusal('unauthenticated', 'A service rejected the sign-in.');
  if (status === 403) throw new Refusal('forbidden', 'Your role does not allow this.');
  const page = checkPage(body);
  if (status !== 200 || 'faults' in page) throw serviceUnavailable({ service });
  return page.value;
}

/** Returns the first page of the merged list. All given pages begin after the same key. */
export function merge(pages: readonly Page[], limit: number): Page {
  const events = pages.flatMap(({ items }) => items).sort(byKey);
  const items = events.slice(0, limit);
  const last = items.at(-1);
  const more = events.length > limit || pages.some(({ nextCursor }) => nextCursor !== undefined);
  return { items, ...(more && last && { nextCursor: encodeCursor(keyOfParkedEvent(last)) }) };
}

const byKey = (one: ParkedEvent, other: ParkedEvent): number => compare(keyOfParkedEvent(one), keyOfParkedEvent(other));

function compare(one: CursorKey, other: CursorKey): number {
  for (const [index, part] of one.entries()) {
    const opposite = other[index];
    if (opposite === undefined || part === opposite) continue;
    return part < opposite ? -1 : 1;
  }
  return 0;
}
