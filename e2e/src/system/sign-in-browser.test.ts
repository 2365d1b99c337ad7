/** People sign in with a real browser at the gateway of a demo. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { inviteByCommand } from '@daybook/identity-service/invite-administrator';
import { type DaybookProcess, startDaybook, temporaryFolder } from '@daybook/testing';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addAuthenticator,
  chromiumIsMissing,
  codeOfApp,
  expectAccessible,
  launchChromium,
  openPage,
} from '../support/browser.ts';

const START_MILLIS = 60_000;
const TEST_MILLIS = 120_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the free port has no number');
  return address.port;
}

/**
 * Starts a demo. Seeding takes a thousand requests with deadlines, which a busy machine may not keep. A further start
 * continues where the one before ended.
 */
async function startDemo(data: string, environment: Record<string, string>): Promise<DaybookProcess> {
  const options = { data, readyWithinMillis: START_MILLIS, environment: { DAYBOOK_DEMO: 'on', ...environment } };
  for (let left = 3; ; left -= 1) {
    try {
      return await startDaybook(options);
    } catch (error) {
      if (left === 0 || !String(error).includes('could not be seeded')) throw error;
    }
  }
}

const signedInAs = (page: Page) => page.locator('main > p').first().textContent();
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** The person of the demo for each role. */
const PEOPLE = [
  ['patient', 'Ana Silva'],
  ['doctor', 'Noor Haddad'],
  ['front desk', 'Sam Rivera'],
  ['administrator', 'Alex Morgan'],
] as const;

const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['light and wide', { viewport: { width: 1280, height: 900 }, colorScheme: 'light', locale: 'en-US' }],
  ['dark and wide', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark', locale: 'en-US' }],
  ['light and narrow, in German', { viewport: { width: 320, height: 640 }, colorScheme: 'light', locale: 'de' }],
  ['dark and narrow, from right to left', { viewport: { width: 320, height: 640 }, colorScheme: 'dark', locale: 'ar' }],
];

describe.skipIf(chromiumIsMissing('signing in with a browser'))('in a browser', { timeout: TEST_MILLIS }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let system: DaybookProcess;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const port = await freePort();
    // Browsers offer passkeys for names only.
    origin = `http://localhost:${port}`;
    system = await startDemo(folder.path, { DAYBOOK_PORT: String(port), DAYBOOK_PUBLIC_URL: origin });
    browser = await launchChromium();
  }, 4 * START_MILLIS);

  afterAll(async () => {
    await browser?.close();
    await system?.end();
    await folder?.[Symbol.asyncDispose]();
  });

  const sessionIn = async (page: Page): Promise<string | undefined> =>
    (await page.context().cookies()).find(({ name }) => name === `daybook_${new URL(origin).port}`)?.value;

  it.each(PEOPLE)('the %s of the demo continues, adds a passkey, signs in with it and steps up', async (role, name) => {
    const page = await openPage(browser, { locale: 'en-US' });
    const countPasskeys = await addAuthenticator(page);
    await page.goto(`${origin}/login`);
    await press(page, `Continue as ${name} (${role})`);
    expect(await signedInAs(page)).toBe(`You are ${name}.`);

    await page.getByRole('link', { name: 'Passkeys' }).click();
    await press(page, 'Add a passkey');
    await page.getByText('Added ').waitFor();
    expect(await countPasskeys()).toBe(1);

    await page.getByRole('link', { name: 'Where you are signed in' }).click();
    await press(page, 'Sign out');
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect(await sessionIn(page)).toBeUndefined();

    await page.getByRole('link', { name: 'Sign in again' }).click();
    await press(page, 'Sign in with a passkey');
    await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor();
    expect(await signedInAs(page)).toBe(`You are ${name}.`);

    const session = await sessionIn(page);
    await page.goto(`${origin}/identity/sign-in?step_up=1&return_to=/identity/passkeys`);
    await page.getByText('Sign in again to show that it is still you.').waitFor();
    await press(page, 'Sign in with a passkey');
    await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
    expect(await sessionIn(page)).not.toBe(session);
  });

  it('a patient of the demo finds appointments ahead, and staff find those of others', async () => {
    const countOf = async (button: string): Promise<number> => {
      const page = await openPage(browser, { locale: 'en-US' });
      await page.goto(`${origin}/login`);
      await press(page, button);
      const from = encodeURIComponent(new Date().toISOString());
      const response = await page.request.get(`${origin}/api/v1/appointments?from=${from}&limit=100`);
      expect(response.status()).toBe(200);
      return ((await response.json()) as { items: unknown[] }).items.length;
    };
    const counts = [
      await countOf('Continue as Ana Silva (patient)'),
      await countOf('Continue as Noor Haddad (doctor)'),
      await countOf('Continue as Sam Rivera (front desk)'),
    ];
    expect(counts.every((count) => count > 0)).toBe(true);
    expect(counts.toSorted((a, b) => a - b)).toEqual(counts);
  });

  it('people continue and sign out without scripts, too', async () => {
    const page = await openPage(browser, { locale: 'en-US', javaScriptEnabled: false });
    await page.goto(`${origin}/login`);
    expect(await page.getByRole('button', { name: 'Sign in with a passkey' }).isVisible()).toBe(false);
    await press(page, 'Continue as Ana Silva (patient)');
    expect(await signedInAs(page)).toBe('You are Ana Silva.');
    await press(page, 'Sign out');
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  });

  it('a request that a proxy forwarded finds no demo', async () => {
    const buttons = async (extraHTTPHeaders: Record<string, string>): Promise<number> => {
      const page = await openPage(browser, { locale: 'en-US', extraHTTPHeaders });
      await page.goto(`${origin}/login`);
      return page.getByRole('button', { name: /^Continue as/ }).count();
    };
    expect([await buttons({}), await buttons({ 'x-forwarded-for': '127.0.0.1' }), await buttons({ via: 'x' })]).toEqual(
      [4, 0, 0],
    );
  });

  it.each(LOOKS)('each page of signing in is accessible: %s', async (_look, options) => {
    const page = await openPage(browser, options);
    const visit = async (path: string) => {
      await page.goto(`${origin}${path}`);
      await expectAccessible(page);
    };
    await visit('/login');
    await page.fill('#email', 'x@example.org');
    await page.fill('#password', 'x');
    await page.click('form[action="/identity/sign-in"] button');
    await page.locator('[role=alert]:visible').waitFor();
    await expectAccessible(page);
    await visit('/identity/recovery');
    await visit('/identity/link?token=x');
    await page.goto(`${origin}/login`);
    await page.click('button[value=patient]');
    for (const path of ['sessions', 'passkeys', 'password', 'link-record', 'sign-in?step_up=1']) {
      await visit(`/identity/${path}`);
    }
    await page.goto(`${origin}/identity/sessions`);
    await page.click('form[action="/identity/sign-out"] button');
    await expectAccessible(page);
  });

  it.each(LOOKS)('each page of setting up an account is accessible: %s', async (look, options) => {
    const email = `${look.replaceAll(/\W+/g, '-')}@example.org`;
    const environment = { DAYBOOK_DATA: folder.path, DAYBOOK_PUBLIC_URL: origin };
    const page = await openPage(browser, options);
    await page.goto(await inviteByCommand(environment, [email], ''));
    await expectAccessible(page);
    const password = 'violet teapot over the harbour';
    await page.fill('#password', password);
    await page.fill('#code', 'x');
    await page.click('form[action="/identity/link"] button');
    await expectAccessible(page);
    await page.fill('#password', password);
    await page.fill('#code', codeOfApp((await page.locator('code').first().textContent()) ?? ''));
    await page.click('form[action="/identity/link"] button');
    await page.locator('.codes').waitFor();
    await expectAccessible(page);
    await page.context().clearCookies();
    await page.goto(`${origin}/login`);
    await page.fill('#email', email);
    await page.fill('#password', password);
    await page.click('form[action="/identity/sign-in"] button');
    await page.locator('form[action="/identity/sign-in/code"]').waitFor();
    await expectAccessible(page);
  });
});
