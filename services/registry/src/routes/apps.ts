/** Serves Eureka's REST operations: instances register here, and clients read the list. */
import { type App, PEER_USER } from '@daybook/service';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../access.ts';
import { appOf, idOf, Metadata, Registration, Status } from '../domain/instance.ts';
import { REPLICATION_HEADER } from '../domain/replication.ts';
import type { Origin, Registry } from '../registry.ts';
import { addAccess } from './access.ts';
import { addRegistrationParsers } from './body-parsers.ts';
import { addEurekaResponses } from './eureka-responses.ts';
import { addLookups } from './lookups.ts';
import { peerReplicationRoutes } from './peer-replication.ts';

export interface EurekaOptions {
  registry: Registry;
  access: Access;
  delta: boolean;
}

const InstancePath = Type.Object({ app: Type.String(), id: Type.String() });
const Heartbeat = Type.Object({ lastDirtyTimestamp: Type.Optional(Type.Integer({ minimum: 0 })) });
const NewStatus = Type.Object({ value: Status() });
const FallbackStatus = Type.Object({ value: Type.Optional(Status()) });

/** Returns the origin of a call. A call from another registry is not replicated further. */
const originOf = ({ headers, registryUser }: FastifyRequest): Origin =>
  registryUser === PEER_USER && headers[REPLICATION_HEADER] === 'true' ? 'peer' : 'client';

const REGISTERED = { registered: 204, full: 503, ahead: 400, moved: 409 } as const;
const RENEWED = { renewed: 200, unknown: 404, ahead: 400 } as const;

/** Adds all routes under one prefix. Spring's clients use `/eureka`, Netflix's `/eureka/v2`. */
export async function eurekaRoutes(app: App, { registry, access, delta }: EurekaOptions): Promise<void> {
  addEurekaResponses(app);
  addAccess(app, access);
  addRegistrationParsers(app);
  addRegister(app, registry, access);
  addLookups(app, { registry, delta });
  await app.register(leaseRoutes, { registry });
  await app.register(peerReplicationRoutes, { registry });
}

const OF_APPLICATION = { writes: 'application' } as const;
const OF_STATUS = { writes: 'status' } as const;

function addRegister(app: App, registry: Registry, access: Access): void {
  const schema = {
    hide: true,
    params: Type.Object({ app: Type.String() }),
    body: Type.Object({ instance: Registration }),
  };
  app.post('/apps/:app', { schema, config: OF_APPLICATION }, (request, reply) => {
    const { instance } = request.body;
    const { registryUser: user } = request;
    const logFields = { user, app: request.params.app, instanceId: idOf(instance) };
    if (appOf(instance) !== request.params.app.toUpperCase()) return reply.code(400).send();
    if (!access.mayRegister(user, instance)) {
      request.log.warn(logFields, 'registration rejected: a name belongs to another user');
      return reply.code(403).send();
    }
    const outcome = registry.register(instance, originOf(request));
    if (outcome === 'full') request.log.error('registration rejected: the registry is full');
    if (outcome === 'ahead') request.log.warn(logFields, 'registration rejected: its timestamp is in the future');
    if (outcome === 'moved')
      request.log.warn(logFields, 'registration rejected: the live instance has another address');
    return reply.code(REGISTERED[outcome]).send();
  });
}

/** Adds the operations on a lease. They ignore the body, whatever type a client declares for the empty one it sends. */
async function leaseRoutes(app: App, { registry }: Pick<EurekaOptions, 'registry'>): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1024 }, async () => undefined);

  app.put(
    '/apps/:app/:id',
    { schema: { hide: true, params: InstancePath, querystring: Heartbeat }, config: OF_APPLICATION },
    (request, reply) => {
      const { app: name, id } = request.params;
      const outcome = registry.renew(name, id, request.query.lastDirtyTimestamp, originOf(request));
      return reply.code(RENEWED[outcome]).send();
    },
  );

  app.delete(
    '/apps/:app/:id',
    { schema: { hide: true, params: InstancePath }, config: OF_APPLICATION },
    (request, reply) => {
      const known = registry.cancel(request.params.app, request.params.id, originOf(request));
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.put(
    '/apps/:app/:id/status',
    { schema: { hide: true, params: InstancePath, querystring: NewStatus }, config: OF_STATUS },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = registry.override(name, id, request.query.value, originOf(request));
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.delete(
    '/apps/:app/:id/status',
    { schema: { hide: true, params: InstancePath, querystring: FallbackStatus }, config: OF_STATUS },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = registry.removeOverride(name, id, request.query.value, originOf(request));
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.put(
    '/apps/:app/:id/metadata',
    { schema: { hide: true, params: InstancePath, querystring: Metadata }, config: OF_APPLICATION },
    (request, reply) => {
      const { app: name, id } = request.params;
      const outcome = registry.addMetadata(name, id, request.query, originOf(request));
      return reply.code({ added: 200, unknown: 404, full: 400 }[outcome]).send();
    },
  );
}
