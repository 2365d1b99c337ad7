/** The reading side of Eureka's REST operations. */
import type { App } from '@daybook/service';
import { Type } from 'typebox';
import { applicationOf, applicationsOf } from '../domain/applications.ts';
import type { InstanceDocument, Leases } from '../domain/leases.ts';

export function addLookups(app: App, leases: Leases): void {
  for (const path of ['/apps', '/apps/']) {
    app.get(path, { schema: { hide: true } }, (_request, reply) => reply.send(applicationsOf(leases.all())));
  }

  const byApp = { hide: true, params: Type.Object({ app: Type.String() }) };
  app.get('/apps/:app', { schema: byApp }, (request, reply) => {
    const name = request.params.app.toUpperCase();
    const instances = leases.all().filter((instance) => instance.app === name);
    if (instances.length === 0) return reply.code(404).send();
    return reply.send({ application: applicationOf(name, instances) });
  });

  const byAppAndId = { hide: true, params: Type.Object({ app: Type.String(), id: Type.String() }) };
  app.get('/apps/:app/:id', { schema: byAppAndId }, (request, reply) => {
    const instance = leases.of(request.params.app, request.params.id);
    return instance ? reply.send({ instance }) : reply.code(404).send();
  });

  const byId = { hide: true, params: Type.Object({ id: Type.String() }) };
  app.get('/instances/:id', { schema: byId }, (request, reply) => {
    const instance = leases.all().find(({ instanceId }) => instanceId === request.params.id);
    return instance ? reply.send({ instance }) : reply.code(404).send();
  });

  addVips(app, leases, '/vips/:vip', (instance) => instance.vipAddress);
  addVips(app, leases, '/svips/:vip', (instance) => instance.secureVipAddress);
}

/** A virtual address may be a list with commas; an instance answers to each of them. */
function addVips(
  app: App,
  leases: Leases,
  path: string,
  vipOf: (instance: InstanceDocument) => string | undefined,
): void {
  const schema = { hide: true, params: Type.Object({ vip: Type.String() }) };
  app.get(path, { schema }, (request, reply) => {
    const { vip } = request.params;
    const instances = leases.all().filter((instance) => vipOf(instance)?.split(',').includes(vip));
    return instances.length === 0 ? reply.code(404).send() : reply.send(applicationsOf(instances));
  });
}
