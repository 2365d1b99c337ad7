/** Eureka's REST operations: instances write themselves down here and everybody reads the list. */
import type { App } from '@daybook/service';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { appOf, Metadata, Registration, Status } from '../domain/instance.ts';
import { REPLICATION_HEADER } from '../domain/replication.ts';
import type { Origin, Registry } from '../registry.ts';
import { addRegistrationBodies } from './bodies.ts';
import { addEurekaAnswers } from './eureka-answers.ts';
import { addLookups } from './lookups.ts';
import { peerReplicationRoutes } from './peer-replication.ts';

export interface EurekaOptions {
  registry: Registry;
  delta: boolean;
}

const InstancePath = Type.Object({ app: Type.String(), id: Type.String() });
const Heartbeat = Type.Object({ lastDirtyTimestamp: Type.Optional(Type.Integer({ minimum: 0 })) });
const NewStatus = Type.Object({ value: Status() });
const FallbackStatus = Type.Object({ value: Type.Optional(Status()) });

/** A call that another registry makes is not told to further ones. */
const originOf = ({ headers }: FastifyRequest): Origin => (headers[REPLICATION_HEADER] === 'true' ? 'peer' : 'client');

/** Everything under one prefix; Spring's clients use `/eureka`, Netflix's `/eureka/v2`. */
export async function eurekaRoutes(app: App, { registry, delta }: EurekaOptions): Promise<void> {
  addEurekaAnswers(app);
  addRegistrationBodies(app);
  addRegister(app, registry);
  addLookups(app, { registry, delta });
  await app.register(leaseRoutes, { registry });
  await app.register(peerReplicationRoutes, { registry });
}

function addRegister(app: App, registry: Registry): void {
  const schema = {
    hide: true,
    params: Type.Object({ app: Type.String() }),
    body: Type.Object({ instance: Registration }),
  };
  app.post('/apps/:app', { schema }, (request, reply) => {
    const { instance } = request.body;
    if (appOf(instance) !== request.params.app.toUpperCase()) return reply.code(400).send();
    const outcome = registry.register(instance, originOf(request));
    if (outcome === 'full') request.log.error('the registry is full; a registration was refused');
    return reply.code(outcome === 'full' ? 503 : 204).send();
  });
}

/** What is done to a lease. None of these takes a body, whatever type a client gives the empty one it sends. */
async function leaseRoutes(app: App, { registry }: Pick<EurekaOptions, 'registry'>): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1024 }, async () => undefined);

  app.put(
    '/apps/:app/:id',
    { schema: { hide: true, params: InstancePath, querystring: Heartbeat } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = registry.renew(name, id, request.query.lastDirtyTimestamp, originOf(request));
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.delete('/apps/:app/:id', { schema: { hide: true, params: InstancePath } }, (request, reply) => {
    const known = registry.cancel(request.params.app, request.params.id, originOf(request));
    return reply.code(known ? 200 : 404).send();
  });

  app.put(
    '/apps/:app/:id/status',
    { schema: { hide: true, params: InstancePath, querystring: NewStatus } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = registry.override(name, id, request.query.value, originOf(request));
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.delete(
    '/apps/:app/:id/status',
    { schema: { hide: true, params: InstancePath, querystring: FallbackStatus } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = registry.removeOverride(name, id, request.query.value, originOf(request));
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.put(
    '/apps/:app/:id/metadata',
    { schema: { hide: true, params: InstancePath, querystring: Metadata } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const outcome = registry.addMetadata(name, id, request.query, originOf(request));
      return reply.code({ added: 200, unknown: 404, full: 400 }[outcome]).send();
    },
  );
}
