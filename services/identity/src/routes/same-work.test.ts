/**
 * The time of a response does not show whether an account or a code exists, because the work is the same. The work is
 * counted, because a measured time would differ with the load of the machine.
 */
import { newId } from '@daybook/database';
import { expect, it } from 'vitest';
import { startIdentity } from '../testing.ts';

type Started = Awaited<ReturnType<typeof startIdentity>>;

/** Returns the statements and the comparisons of passwords of each attempt, from a new browser each time. */
async function workOf(
  { statements, verified, newBrowser }: Started,
  path: string,
  attempts: Readonly<Record<string, Readonly<Record<string, string>>>>,
) {
  const work: Record<string, unknown> = {};
  for (const [name, entered] of Object.entries(attempts)) {
    const browser = newBrowser();
    const page = await browser.request(path);
    const [statementsBefore, hashesBefore] = [statements.length, verified.length];
    const { status } = await browser.submit(page, entered);
    work[name] = {
      status,
      statements: statements.slice(statementsBefore).join(' '),
      hashes: verified.length - hashesBefore,
    };
  }
  return work;
}

function expectSame(work: Record<string, unknown>, atLeast: number): void {
  const [first, ...others] = Object.values(work);
  for (const other of others) expect(other).toEqual(first);
  expect((first as { statements: string }).statements.split(' ').length).toBeGreaterThan(atLeast);
}

async function startPeople() {
  const started = await startIdentity({ hasMail: true });
  const { addPerson, accounts, newBrowser } = started;
  await addPerson();
  await addPerson('doctor', { email: 'noor@example.org' });
  const disabled = await addPerson('patient', { email: 'bea@example.org' });
  await accounts.setStatus(disabled.id, 'disabled');
  await accounts.create({
    role: 'patient',
    status: 'invited',
    email: 'new@example.org',
    displayName: 'N',
    locale: 'en',
  });
  // The first entry of the audit trail also creates its head.
  const browser = newBrowser();
  await browser.submit(await browser.request('/identity/sign-in'), { email: 'x@example.org', password: 'x' });
  return started;
}

const NAMES = ['ana', 'noor', 'bea', 'new', 'nobody'];

it('a sign-in with a wrong password is the same work for each kind of account, and for none', async () => {
  const attempts = Object.fromEntries(NAMES.map((name) => [name, { email: `${name}@example.org`, password: 'wrong' }]));
  const work = await workOf(await startPeople(), '/identity/sign-in', attempts);
  expectSame(work, 10);
  expect(work.nobody).toMatchObject({ status: 422, hashes: 1 });
});

it('a request for recovery is the same work for each kind of account, and for none', async () => {
  const attempts = Object.fromEntries(NAMES.map((name) => [name, { email: `${name}@example.org` }]));
  const work = await workOf(await startPeople(), '/identity/recovery', attempts);
  expectSame(work, 8);
  expect(work.nobody).toMatchObject({ status: 200, hashes: 0 });
});

it('a wrong code is the same work as a right one with a wrong birth date', async () => {
  const started = await startPeople();
  const { addPerson, callAs, newBrowser, signIn, statements } = started;
  const desk = await addPerson('front-desk', { email: 'desk@example.org' });
  const input = { patientId: newId(), birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' };
  const { body } = await (await callAs(desk))('POST', '/accounts/link-codes', input);
  const { code } = body as { code: string };
  const work: Record<string, unknown> = {};
  for (const [index, entered] of [code, '0000-0000-0000-0000', 'x'].entries()) {
    const person = await addPerson('patient', { email: `person${index}@example.org` });
    const browser = newBrowser();
    await signIn(browser, person);
    const page = await browser.request('/identity/link-record');
    const before = statements.length;
    const { status } = await browser.submit(page, { code: entered, birth_date: '1980-01-01' });
    expect(status).toBe(422);
    work[entered] = { statements: statements.slice(before).join(' ') };
  }
  expectSame(work, 8);
});
