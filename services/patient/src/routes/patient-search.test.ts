import { type NewPatient, Refusal } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { createPatientStore } from '../store/patients.ts';
import { ana, startPatients } from '../testing.ts';

const named = (givenName: string, familyName: string, more: Partial<NewPatient> = {}): NewPatient => ({
  ...ana,
  givenName,
  familyName,
  ...more,
});

const jose = named('José María', 'Núñez-Ørsted', {
  phone: '+34600111222',
  email: 'Jose.Nunez@example.org',
  identifiers: [
    { system: 'urn:mrn', value: 'MRN-0042' },
    { system: 'urn:ins', value: 'X9' },
  ],
});

describe('the search for patients', () => {
  it.each([
    ['the given name', 'José'],
    ['the second given name', 'María'],
    ['the family name', 'Núñez'],
    ['the beginning of a name', 'Núñ'],
    ['both names', 'José María Núñ'],
    ['both names, family name first', 'Núñez-Ørsted José'],
    ['a name without its accents', 'nunez'],
    ['a name with other accents', 'Jòse'],
    ['a name with its accents as signs of their own', 'Nu\u0301n\u0303ez'],
    ['another case', 'JOSÉ'],
    ['spaces at the ends and between', '  jose   maria '],
    ['a phone', '+34600'],
    ['an e-mail', 'jose.nunez@'],
    ['an identifier', 'mrn-00'],
    ['the second identifier', 'X9'],
  ])('finds by %s', async (_what, q) => {
    const { register, names } = await startPatients();
    await register(jose);
    await register(named('Bea', 'Costa', { phone: '+15550001', email: 'bea@example.org' }));
    expect(await names({ q })).toEqual([jose.givenName]);
  });

  it.each([
    ['the middle of a name', 'unez'],
    ['the middle of a phone', '600111'],
    ['the end of an identifier', '0042'],
    ['more than the name', 'José Maríana'],
    ['another name', 'Bea'],
  ])('does not find by %s', async (_what, q) => {
    const { register, names } = await startPatients();
    await register(jose);
    expect(await names({ q })).toEqual([]);
  });

  it.each([
    ['%', ['Percent']],
    ['_', ['Underscore']],
    ['\\', ['Backslash']],
    ['A%', []],
    ["'", ['Quote']],
    ['*', []],
  ])('takes %s as it is written', async (q, found) => {
    const { register, names } = await startPatients();
    await register(named('Ana', 'Silva'));
    await register(named('Percent', '%a'));
    await register(named('Underscore', '_b'));
    await register(named('Backslash', '\\c'));
    await register(named('Quote', "'d"));
    expect(await names({ q })).toEqual(found);
  });

  it('finds names of any script, also beyond the basic plane', async () => {
    const { register, names } = await startPatients();
    for (const givenName of ['美咲', '𠮷田', 'Ελένη', '👩‍⚕️']) await register(named(givenName, 'X'));
    expect(await names({ q: '美' })).toEqual(['美咲']);
    expect(await names({ q: '𠮷' })).toEqual(['𠮷田']);
    expect(await names({ q: 'ΕΛΈ' })).toEqual(['Ελένη']);
    expect(await names({ q: '👩' })).toEqual(['👩‍⚕️']);
  });

  it('finds by the birth date, alone or together with a name', async () => {
    const { register, names } = await startPatients();
    await register(named('Ana', 'Silva'));
    await register(named('Bea', 'Silva', { birthDate: '2001-12-31' }));
    await register(named('Cem', 'Aydin', { birthDate: '2001-12-31' }));
    expect(await names({ birthDate: '2001-12-31' })).toEqual(['Bea', 'Cem']);
    expect(await names({ birthDate: '2001-12-31', q: 'silva' })).toEqual(['Bea']);
    expect(await names({ birthDate: '1990-02-02' })).toEqual([]);
  });

  it('follows a change of name, phone and identifiers', async () => {
    const { call, register, names } = await startPatients();
    const { id } = await register(jose);
    await call('PATCH', `/${id}`, { givenName: 'Pepe', phone: '+15557', email: null, identifiers: [] });
    for (const q of ['José', 'jose.', '+34', 'MRN', 'X9']) expect(await names({ q })).toEqual([]);
    for (const q of ['Pepe', '+15557', 'Núñez']) expect(await names({ q })).toEqual(['Pepe']);
  });

  it('finds patients who are not active', async () => {
    const { register, names } = await startPatients();
    await register(named('Ana', 'Silva', { active: false }));
    expect(await names({ q: 'ana' })).toEqual(['Ana']);
  });

  it('shows one patient once, however many of the terms begin so', async () => {
    const { register, names } = await startPatients();
    await register(named('Anna', 'Anna', { email: 'anna@example.org' }));
    expect(await names({ q: 'an' })).toEqual(['Anna']);
  });

  it.each(['\u00b4', '\u0301', '\u00a8 '])('finds nobody by a lone accent', async (q) => {
    const { register, find } = await startPatients();
    await register(ana);
    expect(await find({ q })).toEqual({ items: [] });
  });

  it('refuses what is not a search', async () => {
    const { call } = await startPatients();
    for (const query of ['q=', 'q=%20', 'birthDate=yesterday', 'limit=0', 'limit=101', 'limit=x', 'name=Ana']) {
      expect(await call('GET', `?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    }
    for (const key of ['nonsense', '[1]', '["ana"]', '["a","b"]', '{}', 'null']) {
      const cursor = Buffer.from(key).toString('base64url');
      expect(await call('GET', `?cursor=${cursor}`)).toMatchObject({ status: 400 });
    }
  });

  it('is not for patients', async () => {
    const { database, time } = await startPatients();
    const store = createPatientStore(database, () => time.now);
    const patient = { id: 'somebody', role: 'patient' } as const;
    await expect(store.search(patient, {})).rejects.toThrow(Refusal);
    await expect(store.find(patient, '01890000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

describe('the pages of patients', () => {
  it('show everybody once, 20 at a time', async () => {
    const { call, register, find } = await startPatients();
    const ids = new Set<string>();
    for (let count = 0; count < 41; count += 1) ids.add((await register(ana)).id);
    const first = await find({});
    const second = await find({ cursor: first.nextCursor ?? '' });
    const third = await find({ cursor: second.nextCursor ?? '' });
    const pages = [first, second, third];
    expect(pages.map(({ items }) => items.length)).toEqual([20, 20, 1]);
    expect(third).not.toHaveProperty('nextCursor');
    expect(new Set(pages.flatMap(({ items }) => items.map(({ id }) => id)))).toEqual(ids);
    const { headers } = await call('GET', '?q=silva');
    expect(headers.link).toBe(`</api/v1/patients?q=silva&cursor=${first.nextCursor}>; rel="next"`);
  });

  it('end without a cursor when the last page is full', async () => {
    const { register, find } = await startPatients();
    for (let count = 0; count < 4; count += 1) await register(ana);
    const { nextCursor = '' } = await find({ limit: '2' });
    const last = await find({ limit: '2', cursor: nextCursor });
    expect(last.items).toHaveLength(2);
    expect(last).not.toHaveProperty('nextCursor');
  });

  it('show everybody who was there once, while others are registered and changed', async () => {
    const { call, register, find } = await startPatients();
    const there: string[] = [];
    for (let count = 0; count < 9; count += 1) there.push((await register(ana)).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await find({ q: 'silva', limit: '2', ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      if (seen.length < 9) await register(ana);
      await call('PATCH', `/${seen[0]}`, { givenName: 'Zoe' });
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(there));
  });
});
