/** Eureka's REST operations: instances write themselves down here and everybody reads the list. */
import type { App } from '@daybook/service';
import { Type } from 'typebox';
import { appOf, Metadata, Registration, Status } from '../domain/instance.ts';
import type { Leases, Moment } from '../domain/leases.ts';
import { addEurekaAnswers } from './eureka-answers.ts';
import { addLookups } from './lookups.ts';

export interface EurekaOptions {
  leases: Leases;
  clock: () => Moment;
}

const REGISTRATION_LIMIT_BYTES = 64 * 1024;

const InstancePath = Type.Object({ app: Type.String(), id: Type.String() });
const Heartbeat = Type.Object({ lastDirtyTimestamp: Type.Optional(Type.Integer({ minimum: 0 })) });
const NewStatus = Type.Object({ value: Status() });
const FallbackStatus = Type.Object({ value: Type.Optional(Status()) });

/** Everything under one prefix; Spring's clients use `/eureka`, Netflix's `/eureka/v2`. */
export async function eurekaRoutes(app: App, { leases, clock }: EurekaOptions): Promise<void> {
  addEurekaAnswers(app);
  addRegister(app, { leases, clock });
  addLookups(app, leases);
  await app.register(leaseRoutes, { leases, clock });
}

function addRegister(app: App, { leases, clock }: EurekaOptions): void {
  const schema = {
    hide: true,
    params: Type.Object({ app: Type.String() }),
    body: Type.Object({ instance: Registration }),
  };
  app.post('/apps/:app', { schema, bodyLimit: REGISTRATION_LIMIT_BYTES }, (request, reply) => {
    const { instance } = request.body;
    if (appOf(instance) !== request.params.app.toUpperCase()) return reply.code(400).send();
    const outcome = leases.register(instance, clock());
    if (outcome === 'full') request.log.error('the registry is full; a registration was refused');
    return reply.code(outcome === 'full' ? 503 : 204).send();
  });
}

/** What is done to a lease. None of these takes a body, whatever type a client gives the empty one it sends. */
async function leaseRoutes(app: App, { leases, clock }: EurekaOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1024 }, async () => undefined);

  app.put(
    '/apps/:app/:id',
    { schema: { hide: true, params: InstancePath, querystring: Heartbeat } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = leases.renew(name, id, clock(), request.query.lastDirtyTimestamp);
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.delete('/apps/:app/:id', { schema: { hide: true, params: InstancePath } }, (request, reply) => {
    const known = leases.cancel(request.params.app, request.params.id);
    return reply.code(known ? 200 : 404).send();
  });

  app.put(
    '/apps/:app/:id/status',
    { schema: { hide: true, params: InstancePath, querystring: NewStatus } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = leases.override(name, id, request.query.value, clock());
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.delete(
    '/apps/:app/:id/status',
    { schema: { hide: true, params: InstancePath, querystring: FallbackStatus } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const known = leases.removeOverride(name, id, request.query.value, clock());
      return reply.code(known ? 200 : 404).send();
    },
  );

  app.put(
    '/apps/:app/:id/metadata',
    { schema: { hide: true, params: InstancePath, querystring: Metadata } },
    (request, reply) => {
      const { app: name, id } = request.params;
      const outcome = leases.addMetadata(name, id, request.query, clock());
      return reply.code({ added: 200, unknown: 404, full: 400 }[outcome]).send();
    },
  );
}
