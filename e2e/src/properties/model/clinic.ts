/** Creates the initial clinic of a run: three doctors with different hours, a few patients, and types of each kind. */
import { type DaybookClient, expectData, type Schemas } from '@daybook/client';
import type { Hours } from './calls.ts';
import { everyDay } from './plans-people.ts';
import { type AppointmentType, type Doctor, EMPTY, put, type State } from './state.ts';
import type { World } from './world.ts';

interface Employment {
  readonly timeZone: string;
  readonly hours: readonly Hours[];
  readonly specialties: readonly string[];
}

async function employ(client: DaybookClient, { timeZone, hours, specialties }: Employment): Promise<Doctor> {
  const names = { givenName: 'Noor', familyName: 'Haddad' };
  const { id } = expectData(
    await client.POST('/api/v1/doctors', { body: { ...names, timeZone, specialties: [...specialties] } }),
  );
  const body = { timeZone, weeklyHours: [...hours] };
  expectData(await client.PUT('/api/v1/doctors/{id}/schedule', { params: { path: { id } }, body }));
  const periods = [{ validFrom: '0000-01-01', hours }];
  return { id, timeZone, active: true, specialties, periods, exceptions: [], version: 2 };
}

async function addType(client: DaybookClient, body: Schemas['NewAppointmentType']): Promise<AppointmentType> {
  const { createdAt: _, updatedAt: __, ...type } = expectData(await client.POST('/api/v1/appointment-types', { body }));
  return type;
}

async function makeClinic(client: DaybookClient, name: string): Promise<State> {
  const [eyes, ears] = [`${name}-eyes`, `${name}-ears`];
  const office = everyDay(['09:00', '12:00'], ['13:00', '17:00']);
  const doctors = await Promise.all([
    employ(client, { timeZone: 'UTC', hours: everyDay(['00:00', '24:00']), specialties: [eyes] }),
    employ(client, { timeZone: 'America/New_York', hours: office, specialties: [eyes, ears] }),
    employ(client, { timeZone: 'UTC', hours: everyDay(['08:00', '18:00']), specialties: [ears] }),
  ]);
  const types = await Promise.all([
    addType(client, { name: `${name} visit`, durationMinutes: 30 }),
    addType(client, { name: `${name} care`, durationMinutes: 20, bufferBeforeMinutes: 10, bufferAfterMinutes: 5 }),
    addType(client, { name: `${name} group`, durationMinutes: 15, capacity: 3, planningHorizonDays: 30 }),
  ]);
  const body = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01', confirmedNew: true };
  const registered = await Promise.all(Array.from({ length: 4 }, () => client.POST('/api/v1/patients', { body })));
  const patients = registered.map((response) => ({ id: expectData(response).id, active: true, version: 1 }));
  let state = EMPTY;
  for (const doctor of doctors) state = put(state, 'doctors', doctor);
  for (const type of types) state = put(state, 'types', type);
  for (const patient of patients) state = put(state, 'patients', patient);
  return state;
}

type Surroundings = Pick<World, 'client' | 'clock' | 'covered' | 'name'>;

export async function makeWorld(surroundings: Surroundings): Promise<World> {
  surroundings.clock.settle();
  const state = await makeClinic(surroundings.client, surroundings.name);
  return { ...surroundings, state, posts: [], holdIds: [], journal: [], keys: 0 };
}
