/** Serves the reading part of Eureka's REST operations. */
import type { App } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { applicationOf, applicationsOf } from '../domain/applications.ts';
import type { InstanceDocument, Lease } from '../domain/lease.ts';
import type { Registry } from '../registry.ts';
import { applicationsXml, applicationXml, instanceXml } from '../xml/write.ts';
import { createListCache } from './list-cache.ts';
import { representationFor, send, write } from './representations.ts';

export interface LookupOptions {
  registry: Registry;
  /** Whether `apps/delta` is served. If not, clients fetch the whole list. */
  delta: boolean;
}

export function addLookups(app: App, { registry, delta }: LookupOptions): void {
  addLists(app, { registry, delta });
  addApplications(app, registry);
  addInstances(app, registry);
  addVips(app, registry, '/vips/:vip', (fixed) => fixed.vipAddress);
  addVips(app, registry, '/svips/:vip', (fixed) => fixed.secureVipAddress);
}

function addLists(app: App, { registry, delta }: LookupOptions): void {
  const cache = createListCache();
  const { leases } = registry;

  async function sendList(name: 'all' | 'delta', request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const representation = representationFor(request);
    const now = { version: leases.version(), awakeMillis: registry.now().awakeMillis };
    const response = await cache.get(name, representation, now, () => {
      const instances = name === 'all' ? leases.all() : registry.recentChanges();
      // The hash covers the whole list, also in a delta, because a client compares it with its updated copy.
      const listState = { version: now.version, hash: leases.hash() };
      const applications = applicationsOf(instances, representation.extent, listState);
      return write(representation, { applications }, () => applicationsXml(applications));
    });
    return send(reply, response);
  }

  for (const path of ['/apps', '/apps/']) {
    app.get(path, { schema: { hide: true } }, (request, reply) => sendList('all', request, reply));
  }
  app.get('/apps/delta', { schema: { hide: true } }, (request, reply) =>
    delta ? sendList('delta', request, reply) : reply.code(403).send(),
  );
}

function addApplications(app: App, { leases }: Registry): void {
  const schema = { hide: true, params: Type.Object({ app: Type.String() }) };
  app.get('/apps/:app', { schema }, async (request, reply) => {
    const name = request.params.app.toUpperCase();
    const instances = leases.where((fixed) => fixed.app === name);
    if (instances.length === 0) return reply.code(404).send();
    const representation = representationFor(request);
    const application = applicationOf(name, instances, representation.extent);
    return send(reply, await write(representation, { application }, () => applicationXml(application)));
  });
}

function addInstances(app: App, { leases }: Registry): void {
  async function sendInstance(instance: InstanceDocument | undefined, request: FastifyRequest, reply: FastifyReply) {
    if (!instance) return reply.code(404).send();
    return send(reply, await write(representationFor(request), { instance }, () => instanceXml(instance)));
  }

  const byAppAndId = { hide: true, params: Type.Object({ app: Type.String(), id: Type.String() }) };
  app.get('/apps/:app/:id', { schema: byAppAndId }, (request, reply) =>
    sendInstance(leases.of(request.params.app, request.params.id), request, reply),
  );

  const byId = { hide: true, params: Type.Object({ id: Type.String() }) };
  app.get('/instances/:id', { schema: byId }, (request, reply) => {
    const [instance] = leases.where(({ instanceId }) => instanceId === request.params.id);
    return sendInstance(instance, request, reply);
  });
}

/**
 * Adds the lookups by virtual address. An instance may have several addresses, separated by commas. The list of an
 * unknown address is empty, as with Netflix's server. A client that follows one service thus learns that the last
 * instance has left.
 */
function addVips(
  app: App,
  { leases }: Registry,
  path: string,
  vipOf: (fixed: Lease['fixed']) => string | undefined,
): void {
  const schema = { hide: true, params: Type.Object({ vip: Type.String() }) };
  app.get(path, { schema }, async (request, reply) => {
    const { vip } = request.params;
    const instances = leases.where((fixed) => vipOf(fixed)?.split(',').includes(vip) ?? false);
    const representation = representationFor(request);
    const applications = applicationsOf(instances, representation.extent);
    return send(reply, await write(representation, { applications }, () => applicationsXml(applications)));
  });
}
