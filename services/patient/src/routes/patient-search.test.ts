import { type NewPatient, Refusal } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { createPatientStore } from '../store/patients.ts';
import { ana, readPage, startPatients } from '../testing.ts';

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
    ['one part of a double name', 'orsted'],
    ['a double name as one', 'nunezorsted'],
    ['the beginnings of words in any order, with a comma', 'Núñ, Mar'],
    ['the last digits of the phone', '1222'],
    ['more of its last digits, with spaces', '600 111 222'],
    ['the phone as it is dialled within its country', '0600-111-222'],
    ['the whole phone, with spaces', '+34 600 11 12 22'],
    ['the phone from abroad', '0034600111222'],
    ['a name and the last digits of the phone', 'jose 1222'],
    ['a name and the phone with spaces', 'jose 600 111 222'],
    ['the birth date', '1990-02-01'],
    ['the birth date with dots', '1.2.1990'],
    ['a birth date that may be two, day first', '1/2/1990'],
    ['a birth date that may be two, month first', '02-01-1990'],
    ['a name and a birth date that may be two', 'nunez 2/1/1990'],
    ['a name and the birth date', '1990/02/01 nunez'],
    ['an identifier with spaces', 'MRN 0042'],
    ['an e-mail in capitals', 'JOSE.NUNEZ@EXAMPLE.ORG'],
    ['a name with invisible characters', 'Jo\u200bs\u00ade\u202e'],
  ])('finds by %s', async (_what, q) => {
    const { register, names } = await startPatients();
    await register(jose);
    await register(named('Bea', 'Costa', { phone: '+15550001234', email: 'bea@example.org', birthDate: '1990-02-02' }));
    expect(await names({ q })).toEqual([jose.givenName]);
  });

  it.each([
    ['the middle of a name', 'unez'],
    ['the middle of a phone', '600111'],
    ['three digits of a phone', '222'],
    ['a name and another birth date', 'José 1990-02-02'],
    ['a birth date with dots, month first', '2.1.1990'],
    ['one word of two', 'José Costa'],
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
    ["'D", ['Quote']],
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

  it.each([
    ['Joana Maria', 'Sousa Pereira', ['Joana Pereira', 'Sousa, Joana', 'PEREIRA joa', 'per sou mar joa']],
    ['Ann', 'Lee-Park', ['Park', 'lee-park', 'LeePark', 'Park Ann', 'lee park', 'Lee\u2011Park']],
    ['Fergus', 'O’Brien', ['OBrien', "o'brien", 'O’Brien', 'o´brien', 'Brien', "fergus o'b", 'O Brien']],
    ['Jean-Luc', "d'Arc", ['jeanluc', 'luc', 'darc', 'arc jean', 'd’arc']],
    ['Mary', 'St. John', ['st john', 'John, Mary', 'st. john']],
    ['Michał', 'Łaska', ['Laska', 'michal LASKA']],
    ['Eva', 'Strauß', ['STRAUSS', 'straus', 'Strauß']],
    ['Søren', 'Ålund', ['soren', 'alund soren']],
    ['Novak', 'Đorđević', ['Dordevic', 'novak đorđ']],
    ['Ali', 'Işık', ['isik', 'IŞIK', 'ışık']],
    ['Νίκος', 'Παπαδάκης', ['παπαδακησ', 'ΝΙΚΟΣ', 'νικος παπ']],
    ['美咲', '田中', ['田中', '美咲', '田中美咲', '田中 美咲']],
    ['علی\u200cرضا', 'رَضوی', ['علیرضا', 'علی\u200cرضا', 'رضوی']],
  ])('finds %s %s by %j', async (givenName, familyName, searches) => {
    const { register, names } = await startPatients();
    await register(named(givenName, familyName));
    await register(named('Bea', 'Costa'));
    for (const q of searches) expect([q, await names({ q })]).toEqual([q, [givenName]]);
  });

  describe('by a phone in groups', () => {
    const sousa = named('Joana', 'Sousa', {
      birthDate: '1990-05-06',
      phone: '+15551234567',
      identifiers: [{ system: 'urn:mrn', value: '4711' }],
    });

    it.each([
      '555 123 4567, Sousa',
      'Sousa,555 123 4567',
      '1990-05-06 555 123 4567',
      '6.5.1990 (555) 123-4567',
      '05/06/1990 555 123 4567',
      '+ 1 555 123 4567',
      '( 555 ) 123 - 4567',
      '4711 555 123 4567',
      '555 123 4567 4711',
      '4711 +1 555 123 4567 Sousa',
      '555 123 4567, 4711, 6/5/1990',
    ])('finds by the phone in groups in %j', async (q) => {
      const { register, names } = await startPatients();
      await register(sousa);
      await register(named('Bea', 'Costa', { phone: '+15557654321' }));
      expect(await names({ q })).toEqual(['Joana']);
    });

    it.each([
      '555 123 4568, Sousa',
      '1990-05-07 555 123 4567',
      '556 123 4567',
      '123 4567 555',
      '4712 555 123 4567',
      '555 123 4567, Costa',
      '+ 2 555 123 4567',
    ])('does not find by %j', async (q) => {
      const { register, names } = await startPatients();
      await register(sousa);
      expect(await names({ q })).toEqual([]);
    });

    it('finds by words that a semicolon separates', async () => {
      const { register, names } = await startPatients();
      await register(sousa);
      expect(await names({ q: 'Sousa 555 123 4567; 6.5.1990' })).toEqual(['Joana']);
      expect(await names({ q: 'Sousa;555 123 4567;6.6.1990' })).toEqual([]);
    });
  });

  it('shows every patient with either reading of a date', async () => {
    const { register, names } = await startPatients();
    await register(named('May', 'Silva', { birthDate: '1990-05-06' }));
    await register(named('June', 'Silva', { birthDate: '1990-06-05' }));
    for (const q of ['05/06/1990', '5/6/1990', '06-05-1990 silva']) expect(await names({ q })).toEqual(['June', 'May']);
    expect(await names({ q: '13/5/1990' })).toEqual([]);
    expect(await names({ q: '5.6.1990' })).toEqual(['June']);
  });

  it('counts a date and a number as one word each, and a word with several parts as one', async () => {
    const { register, names } = await startPatients();
    await register(
      named('Marie-Claire Anne-Sophie', "Dupont-Martin d'Arc", { phone: '+33612345678', birthDate: '1990-05-06' }),
    );
    for (const q of [
      'Marie-Claire Dupont-Martin 06.05.1990 06 12 34 56 78',
      "Marie-Claire Anne-Sophie Dupont-Martin d'Arc 6.5.1990 +33 6 12 34 56 78",
      'marie claire anne sophie dupont martin darc mar 06/05/1990 06 12 34 56 78',
    ]) {
      expect([q, await names({ q })]).toEqual([q, ['Marie-Claire Anne-Sophie']]);
    }
  });

  it('refuses more parts of words than a name has', async () => {
    const { call } = await startPatients();
    const q = 'a-b-c-d-e f-g-h-i-j k-l-m-n-o p-q-r-s-t u-v-w-x-y';
    const refused = { status: 400, body: { errors: [{ pointer: '/q', message: 'has more than 24 parts of words' }] } };
    expect(await call('POST', '/search', { q })).toMatchObject(refused);
  });

  it('finds no patient by the sign of a number alone', async () => {
    const { register, names } = await startPatients();
    await register(jose);
    for (const q of ['(0)', '(0) (0)']) expect(await names({ q })).toEqual([]);
  });

  it('keeps names apart from digits, and one word from another', async () => {
    const { register, names } = await startPatients();
    await register(named('Olga', 'Brien'));
    await register(named('Lena', 'Parker', { email: 'park@example.org' }));
    expect(await names({ q: "o'brien" })).toEqual([]);
    expect(await names({ q: 'lee-park' })).toEqual([]);
    expect(await names({ q: 'park' })).toEqual(['Lena']);
    expect(await names({ q: 'n' })).toEqual([]);
  });

  it('refuses more words than a name has', async () => {
    const { call, find } = await startPatients();
    const q = 'abcdefghijklm'.split('').join(' ');
    const refused = { status: 400, body: { errors: [{ pointer: '/q', message: 'has more than 12 words' }] } };
    expect(await call('GET', `?${new URLSearchParams({ q })}`)).toMatchObject(refused);
    expect(await call('POST', '/search', { q })).toMatchObject(refused);
    expect(await find({ q: 'a a a a a a a a a a a a a a a' })).toEqual({ items: [] });
  });

  it('finds by ids, alone or together with a name', async () => {
    const { call, register, names } = await startPatients();
    const ids: string[] = [];
    for (const givenName of ['Ana', 'Bea', 'Cem']) ids.push((await register(named(givenName, 'Silva'))).id);
    expect(await names({ id: `${ids[0]},${ids[2]?.toUpperCase()}` })).toEqual(['Ana', 'Cem']);
    expect(await names({ id: ids.join(), q: 'bea' })).toEqual(['Bea']);
    expect(await names({ id: ids.join(), limit: '1' })).toEqual(['Ana']);
    expect(await names({ id: '01890000-0000-7000-8000-000000000000' })).toEqual([]);
    const many = Array.from({ length: 101 }, () => ids[0]).join();
    for (const id of ['', 'ana', `${ids[0]},`, many]) {
      expect(await call('GET', `?${new URLSearchParams({ id })}`)).toMatchObject({ status: 400 });
    }
  });

  it('takes a search in a body, page by page', async () => {
    const { call, register } = await startPatients();
    for (const givenName of ['Ana', 'Bea', 'Cem']) await register(named(givenName, 'Silva'));
    const first = await call('POST', '/search', { q: 'silva', limit: 2 });
    expect(first).toMatchObject({ status: 200, body: { items: [{ givenName: 'Ana' }, { givenName: 'Bea' }] } });
    const { nextCursor } = readPage(first.body);
    const second = await call('POST', '/search', { q: 'silva', limit: 2, cursor: nextCursor });
    expect(second.body).toMatchObject({ items: [{ givenName: 'Cem' }] });
    expect(await call('POST', '/search', { birthDate: ana.birthDate })).toMatchObject({ status: 200 });
    for (const body of [{ name: 'Ana' }, { q: ' ' }, { limit: 0 }, { cursor: 'x' }, { id: 'x' }]) {
      expect(await call('POST', '/search', body)).toMatchObject({ status: 400 });
    }
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
    await call('PATCH', `/${id}`, { givenName: 'Pepe', phone: '+15557654321', email: null, identifiers: [] });
    for (const q of ['José', 'jose.', '+346', 'MRN', 'X9']) expect(await names({ q })).toEqual([]);
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

  it.each(['\u00b4', '\u0301', '\u00a8 '])('finds no patient by a lone accent', async (q) => {
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
    const patient = { id: 'somebody', role: 'patient', patientIds: [] } as const;
    await expect(store.search(patient, {})).rejects.toThrow(Refusal);
  });
});

describe('the pages of patients', () => {
  it('show every patient once, 20 at a time', async () => {
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
    const { nextCursor } = await find({ q: 'silva' });
    expect(headers.link).toBe(`</api/v1/patients?q=silva&cursor=${nextCursor}>; rel="next"`);
  });

  it('end without a cursor when the last page is full', async () => {
    const { register, find } = await startPatients();
    for (let count = 0; count < 4; count += 1) await register(ana);
    const { nextCursor = '' } = await find({ limit: '2' });
    const last = await find({ limit: '2', cursor: nextCursor });
    expect(last.items).toHaveLength(2);
    expect(last).not.toHaveProperty('nextCursor');
  });

  it('show every patient who was there once, while others are registered and changed', async () => {
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
