import { AppointmentQuery, DoctorQuery, NewPatient } from '@daybook/contracts';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { bareApp } from '../testing.ts';
import { createParser } from './validation.ts';

async function queryApp() {
  const { app } = await bareApp();
  app.get('/doctors', { schema: { querystring: DoctorQuery } }, async ({ query }) => query);
  app.get('/appointments', { schema: { querystring: AppointmentQuery } }, async ({ query }) => query);
  return app;
}

describe('a query', () => {
  it.each([
    ['', { limit: 20 }],
    ['limit=20', { limit: 20 }],
    ['limit=1', { limit: 1 }],
    ['limit=100', { limit: 100 }],
    ['active=true', { limit: 20, active: true }],
    ['active=false', { limit: 20, active: false }],
    ['q=17', { limit: 20, q: '17' }],
    ['q=true', { limit: 20, q: 'true' }],
    ['q=Jos%C3%A9+Silva', { limit: 20, q: 'José Silva' }],
  ])('of %j is read by its schema', async (query, read) => {
    const app = await queryApp();
    const response = await app.inject(`/doctors?${query}`);
    expect(response.json()).toEqual(read);
  });

  it.each([
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=-1', '/limit'],
    ['limit=2.5', '/limit'],
    ['limit=abc', '/limit'],
    ['limit=', '/limit'],
    ['limit=NaN', '/limit'],
    ['limit=1e999', '/limit'],
    ['limit=0x10', '/limit'],
    ['limit=%2010', '/limit'],
    ['limit=010', '/limit'],
    ['limit=%2B10', '/limit'],
    ['limit=10&limit=20', '/limit'],
    ['q=a&q=b', '/q'],
    ['q=', '/q'],
    ['q=%00', '/q'],
    ['active=yes', '/active'],
    ['active=', '/active'],
    ['active=2', '/active'],
    ['Limit=20', '/Limit'],
    ['__proto__=1', '/__proto__'],
    ['limit[]=1', '/limit[]'],
    [`cursor=${'x'.repeat(513)}`, '/cursor'],
  ])('of %s is refused with 400 and the place', async (query, pointer) => {
    const app = await queryApp();
    const response = await app.inject(`/doctors?${query}`);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'invalid-request' });
    expect(response.json<{ errors: { pointer: string }[] }>().errors.map((fault) => fault.pointer)).toContain(pointer);
  });

  it('without anything to read in a text is refused in words', async () => {
    const app = await queryApp();
    const response = await app.inject({ url: '/doctors', query: { q: ' ' } });
    expect(response.json()).toMatchObject({
      errors: [{ pointer: '/q', message: 'must contain text, without control characters' }],
    });
  });

  it('may name times with any offset, and not without one', async () => {
    const app = await queryApp();
    const from = '2026-11-23T09:00:00-05:00';
    expect((await app.inject({ url: '/appointments', query: { from } })).json()).toMatchObject({ from });
    expect((await app.inject({ url: '/appointments', query: { from: '2026-11-23T09:00:00' } })).statusCode).toBe(400);
  });

  it('gets all of its faults at once', async () => {
    const app = await queryApp();
    const response = await app.inject('/appointments?status=done&patientId=17&limit=0&color=red');
    const { errors } = response.json<{ errors: { pointer: string }[] }>();
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual(['/color', '/limit', '/patientId', '/status']);
  });
});

describe('a response of another service', () => {
  it('is accepted when it matches its schema, and refused by the name of the schema otherwise', () => {
    const read = createParser(Type.Object({ start: Type.String({ format: 'date-time' }) }, { title: 'Visit' }));
    const visit = { start: '2026-11-23T14:00:00Z', more: 1 };
    expect(read(visit)).toBe(visit);
    for (const wrong of [undefined, null, {}, { start: 17 }, { start: 'Ana' }])
      expect(() => read(wrong)).toThrow(new Error('not a Visit'));
  });
});

describe('a body', () => {
  const ana = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01' };

  async function faultsOf(payload: object): Promise<{ pointer: string; message: string }[]> {
    const { app } = await bareApp();
    app.post('/patients', { schema: { body: NewPatient }, bodyLimit: 2_000_000 }, async () => 'taken');
    const response = await app.inject({ method: 'POST', url: '/patients', payload });
    expect(response.statusCode).toBe(400);
    return response.json<{ errors: { pointer: string; message: string }[] }>().errors;
  }

  it('gets every fault at once', async () => {
    const faults = await faultsOf({ givenName: ' ', birthDate: 'once', extra: 1 });
    expect(faults.map(({ pointer }) => pointer).toSorted()).toEqual([
      '/birthDate',
      '/extra',
      '/familyName',
      '/givenName',
    ]);
  });

  it('with a list that is far too long is refused before its parts are compared with each other', async () => {
    const identifiers = Array.from({ length: 150_000 }, (_, index) => index);
    expect(await faultsOf({ ...ana, identifiers })).toEqual([
      { pointer: '/identifiers', message: 'must NOT have more than 20 items' },
    ]);
  });

  it('with a great many faults gets the first', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`field${index}`, 1]));
    expect(await faultsOf({ ...ana, ...unknown })).toHaveLength(1);
    expect(await faultsOf({ ...ana, givenName: 'x'.repeat(200_000), extra: 1 })).toHaveLength(1);
  });
});
