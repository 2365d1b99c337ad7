import { ACCOUNT_ROLES } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { type Browser, formsIn, formTo, startIdentity } from '../testing.ts';

const SIGN_IN = '/identity/sign-in';
const DEMO = '/identity/demo-sign-in';
/** What the gateway adds to a request that a browser of this machine sent to it. */
const DIRECT = { 'x-daybook-direct': '1', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': '127.0.0.1:8080' };

const people = () => [
  { role: 'patient' as const, email: 'patient@example.org', displayName: 'Ana Silva', patientId: newId() },
  { role: 'doctor' as const, email: 'doctor@example.org', displayName: 'Noor Haddad', doctorId: newId() },
  { role: 'front-desk' as const, email: 'desk@example.org', displayName: 'Sam Rivera' },
  { role: 'administrator' as const, email: 'admin@example.org', displayName: 'Alex Morgan' },
];

async function startDemo({ mayHaveDemoAccounts = true, isSeeded = true } = {}) {
  const identity = await startIdentity({ mayHaveDemoAccounts });
  const seeded = people();
  if (isSeeded) await identity.demoAccounts.prepare(seeded);
  return { ...identity, seeded };
}

async function continueAs(browser: Browser, role: string, path = SIGN_IN) {
  const page = await browser.request(path, { headers: DIRECT });
  const form = { ...formTo(page, DEMO).fields, role };
  return browser.request(DEMO, { form, headers: DIRECT });
}

const actionsIn = (text: string): string[] => formsIn(text).map(({ action }) => action);

describe('a visitor of the demo', () => {
  it.each(ACCOUNT_ROLES)('continues as %s without a password', async (role) => {
    const { newBrowser, seeded } = await startDemo();
    const browser = newBrowser();
    const response = await continueAs(browser, role);
    expect(response.status).toBe(303);
    const { text } = await browser.follow(response);
    expect(text).toContain(seeded.find((person) => person.role === role)?.displayName);
  });

  it('goes on at the page that needed a sign-in, and to no other site', async () => {
    const { newBrowser } = await startDemo();
    const to = async (path: string) =>
      (await continueAs(newBrowser(), 'patient', `${SIGN_IN}?${new URLSearchParams({ return_to: path })}`)).location;
    expect(await to('/docs')).toBe('https://daybook.example/docs');
    expect(await to('//evil.example/')).toBe('https://daybook.example/identity/sessions');
  });

  it('finds the buttons after a wrong password, too', async () => {
    const { newBrowser } = await startDemo();
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN, { headers: DIRECT });
    const form = { ...formTo(page, SIGN_IN).fields, email: 'x@example.org', password: 'x' };
    const { status, text } = await browser.request(SIGN_IN, { form, headers: DIRECT });
    expect([status, actionsIn(text)]).toEqual([422, expect.arrayContaining([DEMO])]);
  });

  it('gets a session that is recorded as one of the demo', async () => {
    const { newBrowser, audit, demoAccounts, sessions } = await startDemoWithAudit();
    await continueAs(newBrowser(), 'doctor');
    const doctor = (await demoAccounts.find('doctor')) ?? expect.fail('the demo has no doctor');
    expect((await sessions.list(doctor.id)).map(({ methods }) => methods)).toEqual([['demo']]);
    expect(await audit(doctor.id)).toEqual([{ action: 'sign-in', detail: 'demo' }]);
  });
});

async function startDemoWithAudit() {
  const started = await startDemo();
  const audit = async (accountId: string) => {
    const rows = await started.database.read((db) =>
      db.selectFrom('audit_entries').select(['action', 'detail', 'actor_id']).execute(),
    );
    const isOfAccount = ({ actor_id }: { actor_id: Uint8Array | null }) =>
      Buffer.from(actor_id ?? []).toString('hex') === accountId.replaceAll('-', '');
    return rows.filter(isOfAccount).map(({ action, detail }) => ({ action, detail }));
  };
  return { ...started, audit };
}

describe('without a password', () => {
  it.each([
    ['data that is not a demo', { isSeeded: false }, DIRECT],
    ['a system that others reach', { mayHaveDemoAccounts: false }, DIRECT],
    ['a request that the gateway does not vouch for', {}, { ...DIRECT, 'x-daybook-direct': '' }],
    ['a request that a proxy forwarded', {}, { ...DIRECT, forwarded: 'for=127.0.0.1' }],
    ['a client elsewhere', {}, { ...DIRECT, 'x-forwarded-for': '203.0.113.9' }],
    ['another host', {}, { ...DIRECT, 'x-forwarded-host': 'clinic.example' }],
  ])('there is neither a button nor a sign-in for %s', async (_what, options, headers) => {
    const { newBrowser } = await startDemo(options);
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN, { headers });
    expect(actionsIn(page.text)).not.toContain(DEMO);
    const form = { ...formTo(page, SIGN_IN).fields, role: 'administrator' };
    expect((await browser.request(DEMO, { form, headers })).status).toBe(404);
    expect(browser.cookies.has('__Host-daybook')).toBe(false);
  });

  it('a page of another site starts no session, nor does a form without its token', async () => {
    const { newBrowser } = await startDemo();
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN, { headers: DIRECT });
    const form = { ...formTo(page, DEMO).fields, role: 'patient' };
    const foreign = { ...DIRECT, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await browser.request(DEMO, { form, headers: foreign })).status).toBe(403);
    const withoutToken = { ...form, form_token: 'x' };
    expect((await browser.request(DEMO, { form: withoutToken, headers: DIRECT })).status).toBe(403);
    expect((await browser.request(`${DEMO}?role=patient`, { headers: DIRECT })).status).toBe(405);
    expect(browser.cookies.has('__Host-daybook')).toBe(false);
  });

  it('an account that the demo did not make is never entered, also with the role of one', async () => {
    const { newBrowser, addPerson, database } = await startDemo();
    await addPerson('administrator', { email: 'real@example.org', displayName: 'Real Person' });
    await database.write((tx) => tx.deleteFrom('demo_accounts').where('role', '=', 'administrator').execute());
    const browser = newBrowser();
    expect((await continueAs(browser, 'administrator')).status).toBe(404);
  });

  it('a disabled account of the demo is not entered', async () => {
    const { newBrowser, accounts, demoAccounts } = await startDemo();
    const patient = (await demoAccounts.find('patient')) ?? expect.fail('the demo has no patient');
    await accounts.setStatus(patient.id, 'disabled');
    expect((await continueAs(newBrowser(), 'patient')).status).toBe(404);
  });
});
