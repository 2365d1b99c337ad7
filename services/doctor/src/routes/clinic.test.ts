import { expect, it } from 'vitest';
import { startDoctors } from '../testing.ts';

const NEUTRAL = {
  name: 'Daybook clinic',
  timeZone: 'UTC',
  branding: { accentColour: '#1f5f8b' },
  version: 1,
};

it('the clinic has neutral defaults until it is changed, and a version from then on', async () => {
  const { clinic, time } = await startDoctors();
  expect(await clinic('GET', '')).toMatchObject({ status: 200, body: NEUTRAL, headers: { etag: '"1"' } });
  expect((await clinic('GET', '')).body).toEqual(NEUTRAL);
  const address = { lines: ['12 Main St'], city: 'Boston', country: 'US' };
  const patch = { name: 'Riverside', address, phone: '+1 (617) 555-0100', timeZone: 'america/new_york' };
  const changed = await clinic('PATCH', '', patch, { 'if-match': '"1"' });
  expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' } });
  const now = time.now.toString({ fractionalSecondDigits: 3 });
  const expected = { ...NEUTRAL, ...patch, phone: '+16175550100', timeZone: 'America/New_York', version: 2 };
  expect(changed.body).toEqual({ ...expected, updatedAt: now });
  expect((await clinic('GET', '')).body).toEqual(changed.body);
  expect(await clinic('GET', '', undefined, { 'if-none-match': '"2"' })).toMatchObject({ status: 304 });
});

it('a merge patch of the clinic changes what it names, and removes what is null', async () => {
  const { clinic } = await startDoctors();
  await clinic('PATCH', '', { email: 'desk@example.org', branding: { logoText: 'R', accentColour: '#7A1F5C' } });
  const { body } = await clinic('PATCH', '', { email: null, branding: { logoText: null } });
  expect(body).toMatchObject({ name: 'Daybook clinic', branding: { accentColour: '#7a1f5c' }, version: 3 });
  expect(body).not.toHaveProperty('email');
  expect(body).not.toHaveProperty('branding.logoText');
});

it('a change of an older version of the clinic is refused', async () => {
  const { clinic } = await startDoctors();
  await clinic('PATCH', '', { name: 'Riverside' });
  const stale = await clinic('PATCH', '', { name: 'Lakeside' }, { 'if-match': '"1"' });
  expect(stale).toMatchObject({ status: 412, body: { code: 'precondition-failed' } });
  expect((await clinic('GET', '')).body).toMatchObject({ name: 'Riverside', version: 2 });
});

it('of two simultaneous changes of the same version of the clinic, one is refused', async () => {
  const { clinic } = await startDoctors();
  const changes = ['Riverside', 'Lakeside'].map((name) => clinic('PATCH', '', { name }, { 'if-match': '"1"' }));
  const statuses = (await Promise.all(changes)).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([200, 412]);
});

it.each([
  [
    'an accent colour that is hard to read on white',
    { branding: { accentColour: '#ffee00' } },
    '/branding/accentColour',
  ],
  ['an accent colour in another form', { branding: { accentColour: 'blue' } }, '/branding/accentColour'],
  ['a phone without a country', { phone: '555 0100' }, '/phone'],
  ['a zone that does not exist', { timeZone: 'Mars/Olympus' }, '/timeZone'],
  ['no name', { name: ' ' }, '/name'],
  ['an unknown field', { motto: 'x' }, '/motto'],
])('%s is a fault of the clinic', async (_, patch, pointer) => {
  const { clinic } = await startDoctors();
  const { status, body } = await clinic('PATCH', '', patch);
  expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(JSON.stringify(body)).toContain(`"pointer":"${pointer}"`);
});
