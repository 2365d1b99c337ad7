/** The catalogue of events is valid AsyncAPI, and the published events match it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import { type CloudEvent, type EventType, eventTypes, INTERNAL_EVENTS, routingKeyOf } from '@daybook/contracts';
import type { System } from '@daybook/launcher';
import { createInProcessBus, type InProcessBus, type Subscription } from '@daybook/messaging';
import { createValidator } from '@daybook/service';
import { bookWalkIn, clientOf, halfHour, makeClinic, registerPatient, temporaryFolder } from '@daybook/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';
import { type AsyncApi, readAsyncApi, resolved, resolvedAt } from './asyncapi-schema.ts';

const parsed: unknown = JSON.parse(await readFile(join(import.meta.dirname, '../../../docs/asyncapi.json'), 'utf8'));
const { document, faults } = documentIn(parsed);
const catalogue = Object.keys(eventTypes)
  .filter((type): type is EventType => type in eventTypes)
  .filter((type) => !INTERNAL_EVENTS.includes(type));

function documentIn(value: unknown): { document: AsyncApi; faults: string[] } {
  const { document, faults } = readAsyncApi(value);
  if (!document) throw new Error(faults.join('; '));
  return { document, faults };
}

describe('the catalogue of events', () => {
  it('is valid AsyncAPI 3.0', () => {
    expect(faults).toEqual([]);
  });

  it.each<[string, object]>([
    ['of another version', { asyncapi: '2.6.0' }],
    ['without a title', { info: { ...document.info, title: undefined } }],
    ['with something unknown', { publish: {} }],
    [
      'with an operation on no channel',
      {
        operations: {
          ...document.operations,
          x: { ...document.operations['publish.patient.updated'], channel: { $ref: '#/channels/nowhere' } },
        },
      },
    ],
    [
      'with two channels of one address',
      { channels: { ...document.channels, x: document.channels['patient.updated'] } },
    ],
    ['with a message that is not there', { components: { ...document.components, messages: {} } }],
  ])('would not be valid %s, so the check above can fail', (_what, change) => {
    expect(readAsyncApi(JSON.parse(JSON.stringify({ ...document, ...change }))).faults).not.toEqual([]);
  });

  it('has each event type on the exchange, by its routing key, and names its publisher', () => {
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual(catalogue.map(routingKeyOf));
    for (const { bindings } of Object.values(document.channels)) {
      expect(bindings.amqp.exchange).toMatchObject({ name: 'daybook.events', type: 'topic' });
    }
    for (const type of catalogue) {
      expect(document.operations[`publish.${routingKeyOf(type)}`]).toMatchObject({
        action: 'send',
        'x-source': `/services/${type.split('.')[1]}`,
      });
    }
  });
});

/** Records the consumers of the system's bus, and every event in order. */
class BusRecorder {
  readonly events: CloudEvent[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly bus: InProcessBus;

  constructor() {
    const inner = createInProcessBus();
    this.bus = {
      ...inner,
      subscribe: (subscription) => {
        this.subscriptions.push(subscription);
        return inner.subscribe(subscription);
      },
    };
    // A repeated event is the same one, because delivery is at least once.
    const seen = new Set<string>();
    void inner.subscribe({
      consumer: 'e2e.recorder',
      types: catalogue,
      handle: async (event) => {
        if (!seen.has(event.id)) this.events.push(event);
        seen.add(event.id);
      },
    });
  }

  readonly came = (type: EventType): boolean => this.events.some((event) => event.type === type);
  readonly missing = (): EventType[] => catalogue.filter((type) => !this.came(type));
}

describe('the events of a whole journey', () => {
  const stack = new AsyncDisposableStack();
  const recorder = new BusRecorder();

  beforeAll(async () => {
    const folder = stack.use(await temporaryFolder());
    // The demo clinic has past visits: fulfilled, cancelled, and missed ones.
    const system = await startEmbedded(folder.path, { demo: 'on', bus: recorder.bus });
    stack.defer(() => system.close());
    await journey(clientOf(system), recorder.came);
    await emergency(system);
    await closeClinic(clientOf(system), recorder.came);
    await contactsAndErasure(clientOf(system));
  });
  afterAll(() => stack.disposeAsync());

  it('are of every type of the catalogue', async () => {
    await expect.poll(recorder.missing, { timeout: 20_000 }).toEqual([]);
  });

  it('each match the catalogue, with no data beyond it', async () => {
    await expect.poll(recorder.missing, { timeout: 20_000 }).toEqual([]);
    const checkers = new Map(catalogue.map((type) => [type, checkersOf(type)]));
    for (const event of recorder.events) {
      const checks = checkers.get(event.type);
      // In its serialized form.
      const travelled: CloudEvent = JSON.parse(JSON.stringify(event));
      expect(checks?.payload(travelled), event.type).not.toHaveProperty('faults');
      expect(checks?.data(travelled.data), event.type).not.toHaveProperty('faults');
    }
  });

  it('rise in sequence within each subject', async () => {
    await expect.poll(recorder.missing, { timeout: 20_000 }).toEqual([]);
    for (const [subject, events] of Map.groupBy(recorder.events, (event) => event.subject)) {
      const sequences = events.map(({ sequence }) => sequence);
      expect(sequences, subject).toEqual([...new Set(sequences)].toSorted((one, other) => one - other));
    }
  });

  it('go to the consumers that the catalogue names', () => {
    const named = Object.values(document.operations)
      .filter(({ action }) => action === 'receive')
      .map(({ channel, 'x-consumer': consumer }) => `${consumer} ${channel.$ref.slice('#/channels/'.length)}`);
    const real = recorder.subscriptions.flatMap(({ consumer, types }) =>
      types.filter((type) => !INTERNAL_EVENTS.includes(type)).map((type) => `${consumer} ${routingKeyOf(type)}`),
    );
    expect(named.toSorted()).toEqual(real.toSorted());
  });
});

/** Returns validators of the documented payload, and of the data without additional fields. */
function checkersOf(type: EventType) {
  const message = document.components.messages[routingKeyOf(type)];
  if (!message) throw new Error(`there is no message for ${type}`);
  const { properties } = message.payload.allOf[1];
  return {
    payload: createValidator(resolved(document, message.payload)),
    data: createValidator({ ...resolvedAt(document, properties.data.$ref), additionalProperties: false }),
  };
}

const WAY_OFF = 40;

/** Makes every kind of change with an event that the demo clinic lacks. */
async function journey(client: DaybookClient, came: (type: EventType) => boolean): Promise<void> {
  const clinic = await makeClinic(client);
  const { patient, doctor, type } = clinic;
  const ofPatient = { params: { path: { id: patient.id } } };
  const ofDoctor = { params: { path: { id: doctor.id } } };
  const book = async (n: number) =>
    expectData(
      await client.POST('/api/v1/appointments', {
        body: { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(n) },
      }),
    ).id;
  const path = { id: await book(0) };
  const start = halfHour(WAY_OFF);
  expectData(await client.POST('/api/v1/appointments/{id}/reschedule', { params: { path }, body: { start } }));
  await leaveOver(client, doctor.id, start, came);
  expectData(await client.PATCH('/api/v1/appointments/{id}', { params: { path }, body: { note: 'called' } }));
  expectData(await client.POST('/api/v1/appointments/{id}/cancel', { params: { path }, body: { reason: 'better' } }));

  const visit = { params: { path: { id: (await bookWalkIn(client, clinic)).id } } };
  expectData(await client.POST('/api/v1/appointments/{id}/arrive', visit));
  expectData(await client.POST('/api/v1/appointments/{id}/check-in', visit));
  expectData(await client.POST('/api/v1/appointments/{id}/step-back', { ...visit, body: { reason: 'too early' } }));
  await mergedAndUnmerged(client, patient.id, came);
  expectData(await client.PATCH('/api/v1/patients/{id}', { ...ofPatient, body: { language: 'pt' } }));
  expectData(await client.PATCH('/api/v1/patients/{id}', { ...ofPatient, body: { active: false } }));
  expectData(await client.PATCH('/api/v1/doctors/{id}', { ...ofDoctor, body: { languages: ['en'] } }));
  expectData(await client.PATCH('/api/v1/doctors/{id}', { ...ofDoctor, body: { active: false } }));
}

/** Lets a doctor read a patient in an emergency. */
async function emergency(system: System): Promise<void> {
  const { patient, doctor } = await makeClinic(clientOf(system));
  const token = await system.tokenFor({ role: 'doctor', id: doctor.id });
  const params = { path: { id: patient.id } };
  const body = { reason: 'unconscious' };
  const client = createClient({ baseUrl: system.url, token });
  expectData(await client.POST('/api/v1/patients/{id}/emergency-access', { params, body }));
}

/** Changes the e-mail address of a patient, and erases the data. */
async function contactsAndErasure(client: DaybookClient): Promise<void> {
  const { id } = await registerPatient(client);
  const params = { path: { id } };
  expectData(await client.PATCH('/api/v1/patients/{id}', { params, body: { email: 'one@example.org' } }));
  expectData(await client.PATCH('/api/v1/patients/{id}', { params, body: { email: 'two@example.org' } }));
  expectData(await client.POST('/api/v1/patients/{id}/erasure', { params, body: { basis: 'request' } }));
}

/** Closes the clinic for a day, and opens it again. */
async function closeClinic(client: DaybookClient, came: (type: EventType) => boolean): Promise<void> {
  const body = { startDate: '2040-12-25', endDate: '2040-12-25', reason: 'a holiday' };
  const { id } = expectData(await client.POST('/api/v1/clinic/closures', { body }));
  await vi.waitFor(() => expect(came('daybook.doctor.closure-added.v1')).toBe(true), { timeout: 10_000 });
  await client.DELETE('/api/v1/clinic/closures/{id}', { params: { path: { id } } });
}

/** Registers a second record of a patient, merges it, and undoes the merge. */
async function mergedAndUnmerged(client: DaybookClient, id: string, came: (type: EventType) => boolean): Promise<void> {
  const path = { id };
  const { id: into } = await registerPatient(client);
  const reason = 'registered twice';
  expectData(await client.POST('/api/v1/patients/{id}/merge', { params: { path }, body: { into, reason } }));
  await vi.waitFor(() => expect(came('daybook.appointment.patient-merged.v1')).toBe(true), { timeout: 10_000 });
  expectData(await client.POST('/api/v1/patients/{id}/unmerge', { params: { path }, body: { reason } }));
  await vi.waitFor(() => expect(came('daybook.appointment.patient-unmerged.v1')).toBe(true), { timeout: 10_000 });
}

/** Adds leave over a booked visit and removes it again. Both lead to revalidation. */
async function leaveOver(
  client: DaybookClient,
  id: string,
  start: string,
  came: (type: EventType) => boolean,
): Promise<void> {
  const end = Temporal.Instant.from(start).add({ minutes: 30 }).toString();
  const body = { kind: 'time-off' as const, start, end };
  const leave = expectData(await client.POST('/api/v1/doctors/{id}/exceptions', { params: { path: { id } }, body }));
  await vi.waitFor(() => expect(came('daybook.appointment.flagged.v1')).toBe(true), { timeout: 10_000 });
  const path = { id, exceptionId: leave.id };
  const removed = await client.DELETE('/api/v1/doctors/{id}/exceptions/{exceptionId}', { params: { path } });
  expect(removed.response.status).toBe(204);
  await vi.waitFor(() => expect(came('daybook.appointment.unflagged.v1')).toBe(true), { timeout: 10_000 });
}
