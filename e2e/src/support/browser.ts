/** A real browser for tests of pages: Debian's Chromium, driven by Playwright. */
import { createHmac } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** The sandbox of Chromium does not work for root. The others keep it from the network. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Returns the program that `DAYBOOK_TEST_CHROMIUM` names, or the first one on the path. */
function findChromium(): string | undefined {
  const { DAYBOOK_TEST_CHROMIUM: named, PATH = '' } = process.env;
  if (named) return named;
  return PATH.split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isExecutable);
}

/**
 * For `describe.skipIf`: prints which tests are skipped.
 * @throws when Chromium is required and missing
 */
export function chromiumIsMissing(what: string): boolean {
  if (findChromium() !== undefined) return false;
  const advice = 'It needs Chromium: on Debian, apt-get install chromium. DAYBOOK_TEST_CHROMIUM names another program.';
  const required = (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').map((name) => name.trim());
  if (required.includes('chromium')) throw new Error(`${what} cannot be tried here. ${advice}`);
  console.warn(`SKIPPED: ${what}. ${advice}`);
  return true;
}

export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('There is no Chromium.');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Opens a page in a profile of its own, which closes when the test ends. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  return context.newPage();
}

/** Gives a page a passkey device that its person always unlocks. Returns how many passkeys it holds. */
export async function addAuthenticator(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length;
}

const BASE_32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Returns the six digits that an authenticator app shows now for a key in base 32 (RFC 6238). */
export function codeOfApp(key: string): string {
  const bits = [...key.replaceAll(' ', '')].map((letter) => BASE_32.indexOf(letter).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2))))
    .update(step)
    .digest();
  const number = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7f_ff_ff_ff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Expects that people with disabilities can use a page, as far as axe can check that, and that nothing is cut off. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  // The page has the script now. A function here would be compiled for another world.
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  const found = violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }));
  expect({ url: page.url(), found }).toEqual({ url: page.url(), found: [] });
  const widths = '[document.documentElement.scrollWidth, document.documentElement.clientWidth]';
  const [content = 0, window = 0] = (await page.evaluate(widths)) as number[];
  expect(content).toBeLessThanOrEqual(window);
}
