/**
 * What a stranger sees of a sign-in, of a recovery and of linking is the same whether an account or a code exists: the
 * whole response, and its time. `same-work.test.ts` counts the work, which is the sharper test; this one measures what
 * the count cannot see, such as a password that is compared sooner.
 */
import { newId } from '@daybook/database';
import { COMPARISON_ROUNDS, distancesFromFirst } from '@daybook/testing/time-comparison';
import { describe, expect, it } from 'vitest';
import { createPasswordHasher, type PasswordHasher } from '../credentials/password-hasher.ts';
import { type Browser, formTo, newAccount, type Seen, startIdentity } from '../testing.ts';

const RUN_MILLIS = 10 * 60_000;
const WARM_UPS = 5;
/** With 40 samples of each, chance alone exceeds it once in 500 comparisons, so almost never in each of three samples. */
const MAX_DISTANCE = 0.2;
/** Each attempt is a whole new sample, because something else may have loaded the machine. */
const ATTEMPTS = 3;

type Started = Awaited<ReturnType<typeof startIdentity>>;

/** What a stranger enters, and where. The browser is a new one, or one that is signed in. */
interface Attempt {
  readonly path: string;
  readonly entered: Readonly<Record<string, string>>;
  readonly browser?: Browser;
}

/** Makes an attempt of its kind at an account of its own, because repeated failures are throttled. */
type Kind = (index: number) => Promise<Attempt>;

/** Compares real passwords. Hashes each only once, because accounts of the test have the same one. */
function realHasher(): PasswordHasher {
  const { hash, verify } = createPasswordHasher();
  const hashes = new Map<string, Promise<string>>();
  return {
    verify,
    hash(password) {
      const known = hashes.get(password) ?? hash(password);
      hashes.set(password, known);
      return known;
    },
  };
}

/** Returns a response without what is random in every response, and without what the person entered. */
function visibleIn({ status, headers, text }: Seen, entered: Attempt['entered']): unknown {
  let page = text.replace(/name="form_token" value="[^"]*"/g, '').replace(/data-options="[^"]*"/g, '');
  for (const value of Object.values(entered)) page = page.replaceAll(value, '');
  const names = [...headers].filter(
    ([name]) => name !== 'date' && name !== 'x-request-id' && name !== 'content-length',
  );
  return { status, page, headers: names.map(([name, value]) => [name, value.replaceAll(/=[\w-]{43}/g, '')]) };
}

/** Measures attempts of each kind. Notes what all of them showed. */
function observe({ newBrowser }: Started, kinds: readonly Kind[]) {
  const seen = new Set<string>();
  let made = 0;
  const measures = kinds.map((kind) => async () => {
    made += 1;
    const { path, entered, browser = newBrowser() } = await kind(made);
    // An address of its own, because many failures of one address are throttled.
    const headers = { 'x-forwarded-for': `10.${made >> 16}.${(made >> 8) & 255}.${made & 255}` };
    const { action, fields } = formTo(await browser.request(path, { headers }), path);
    const form = { ...fields, ...entered };
    const before = performance.now();
    const response = await browser.request(action, { form, headers });
    const millis = performance.now() - before;
    seen.add(JSON.stringify(visibleIn(response, entered)));
    return millis;
  });
  return { measures, seen };
}

async function expectNoDifference(started: Started, kinds: readonly Kind[], status: number): Promise<void> {
  const tried: (readonly number[])[] = [];
  while (tried.length < ATTEMPTS) {
    const { measures, seen } = observe(started, kinds);
    const distances = await distancesFromFirst(measures, { rounds: COMPARISON_ROUNDS, warmUps: WARM_UPS });
    expect([...seen]).toHaveLength(1);
    expect(JSON.parse([...seen][0] ?? '')).toMatchObject({ status });
    if (Math.max(...distances) <= MAX_DISTANCE) return;
    tried.push(distances);
  }
  expect.fail(`The times differ in each of ${ATTEMPTS} samples: ${JSON.stringify(tried)}`);
}

const unknownEmail = () => `${newId()}@example.org`;

async function startMeasured(hasher = realHasher()) {
  const started = await startIdentity({ hasMail: true, hasher });
  const { addPerson, accounts, newBrowser } = started;
  const emails = {
    none: async () => unknownEmail(),
    patient: async () => (await addPerson('patient', { email: unknownEmail() })).email,
    doctor: async () => (await addPerson('doctor', { email: unknownEmail() })).email,
    withoutPassword: async () => (await accounts.create(newAccount({ email: unknownEmail() }))).email,
    disabled: async () => {
      const { id, email } = await addPerson('patient', { email: unknownEmail() });
      await accounts.setStatus(id, 'disabled');
      return email;
    },
  };
  // The first entry of the audit trail also creates its head.
  const browser = newBrowser();
  await browser.submit(await browser.request('/identity/sign-in'), { email: 'x@example.org', password: 'x' });
  return { started, emails };
}

const signInWith = (emailOf: () => Promise<string>): Kind => {
  return async () => ({ path: '/identity/sign-in', entered: { email: await emailOf(), password: 'not the password' } });
};
const recoveryOf = (emailOf: () => Promise<string>): Kind => {
  return async () => ({ path: '/identity/recovery', entered: { email: await emailOf() } });
};

describe('a stranger sees and measures no difference', { timeout: RUN_MILLIS }, () => {
  it('between a sign-in to an account of any kind and to none', async () => {
    const { started, emails } = await startMeasured();
    await expectNoDifference(started, Object.values(emails).map(signInWith), 422);
  });

  it('between a recovery of an account of any kind and of none', async () => {
    const { started, emails } = await startMeasured();
    await expectNoDifference(started, Object.values(emails).map(recoveryOf), 200);
  });

  it('between a wrong code and a right code with a wrong birth date', async () => {
    const { started } = await startMeasured();
    const { addPerson, callAs, newBrowser, sessions } = started;
    const call = await callAs(await addPerson('front-desk', { email: 'desk@example.org' }));
    const linkWith = (codeOf: () => Promise<string>): Kind => {
      return async () => {
        const account = await addPerson('patient', { email: unknownEmail() });
        const browser = newBrowser();
        const session = await sessions.start({ account, methods: ['pwd'], device: 'Firefox' });
        browser.cookies.set('__Host-daybook', { value: session, path: '/' });
        return { path: '/identity/link-record', entered: { code: await codeOf(), birth_date: '1980-01-01' }, browser };
      };
    };
    const rightCode = async (): Promise<string> => {
      const input = { patientId: newId(), birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' };
      const { body } = await call('POST', '/accounts/link-codes', input);
      return (body as { code: string }).code;
    };
    await expectNoDifference(started, [linkWith(async () => '0000-0000-0000-0000'), linkWith(rightCode)], 422);
  });
});

it('the measurement finds a password that is not compared for an account that does not exist', async () => {
  const { hash, verify } = realHasher();
  const careless = {
    hash,
    verify: async (password: string, known: string | undefined) => known !== undefined && verify(password, known),
  };
  const { started, emails } = await startMeasured(careless);
  const { measures } = observe(started, [emails.none, emails.patient].map(signInWith));
  const [distance] = await distancesFromFirst(measures, { rounds: 15, warmUps: 2 });
  expect(distance).toBeGreaterThan(0.4);
}, 120_000);
