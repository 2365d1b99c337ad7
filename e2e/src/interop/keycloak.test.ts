/**
 * Keycloak as the foreign issuer of a whole Daybook, through its real pages. It takes a minute or two and a download of
 * 160 MB, so it runs in the nightly tests only (DAYBOOK_TEST_NIGHTLY=1).
 */
import { type DaybookProcess, startDaybook, temporaryFolder } from '@daybook/testing';
import { BUILD_MILLIS, freePort, javaIsMissing, type Keycloak, startKeycloak } from '@daybook/testing/java';
import { WebClient, type WebPage } from '@daybook/testing/web-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, PASSWORD, REALM, realmFor } from './keycloak-realm.ts';

const isSkipped = process.env.DAYBOOK_TEST_NIGHTLY !== '1' || javaIsMissing('Keycloak as the foreign issuer');

const unescapeHtml = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=');

/** Returns the address in a page that an expression captures. */
function addressIn({ text, url, status }: WebPage, pattern: RegExp): URL {
  const [, found] = pattern.exec(text) ?? [];
  return new URL(unescapeHtml(found ?? expect.fail(`not in the page of ${url.pathname}, ${status}: ${text}`)), url);
}

describe.skipIf(isSkipped)('with Keycloak as the foreign issuer', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let keycloak: Keycloak;
  let daybook: DaybookProcess;

  beforeAll(async () => {
    const [port, keycloakPort] = [await freePort(), await freePort()];
    const data = stack.use(await temporaryFolder()).path;
    // Before Keycloak, on which the start does not depend.
    daybook = await startDaybook({
      data,
      readyWithinMillis: 120_000,
      environment: {
        DAYBOOK_PORT: String(port),
        OIDC_ISSUER: `http://127.0.0.1:${keycloakPort}/realms/${REALM}`,
        OIDC_CLIENT_ID: CLIENT.id,
        OIDC_CLIENT_SECRET: CLIENT.secret,
      },
    });
    stack.defer(() => daybook.end().then(() => undefined));
    const away = await new WebClient().request(`${daybook.url}/identity/foreign/sign-in`);
    expect([away.status, away.text.includes('does not work now')]).toEqual([503, true]);
    keycloak = stack.use(await startKeycloak(keycloakPort, realmFor(`${daybook.url}/identity/foreign/callback`)));
    console.log(`Keycloak is ready after ${keycloak.secondsToReady.toFixed(1)} s`);
    const start = () => new WebClient().request(`${daybook.url}/identity/foreign/sign-in`);
    await expect.poll(async () => (await start()).status, { timeout: 60_000, interval: 500 }).toBe(303);
  }, BUILD_MILLIS);
  afterAll(() => stack.disposeAsync());

  /** Goes from Daybook's sign-in page to Keycloak. Returns the page there, or the redirect back of a session there. */
  async function goThere(browser: WebClient): Promise<WebPage> {
    const page = await browser.follow(`${daybook.url}/login?return_to=/api/v1/me`);
    const away = await browser.request(addressIn(page, /<a class="button" href="([^"]+)"/));
    return browser.follow(away.location ?? expect.fail(`no redirect: ${away.status} ${away.text}`));
  }

  /** Fills in Keycloak's form. Returns the page of Daybook that this ends at. */
  async function enter(browser: WebClient, form: WebPage, username: string): Promise<WebPage> {
    const back = await browser.follow(addressIn(form, /action="([^"]+)"/), { username, password: PASSWORD });
    return browser.follow(back.location ?? expect.fail(`Keycloak stays: ${back.status} ${back.text}`));
  }

  const signIn = async (browser: WebClient, username: string): Promise<WebPage> =>
    enter(browser, await goThere(browser), username);

  it('a person signs in by its form, and has a session of ours with the role of the claim', async () => {
    const browser = new WebClient();
    const startedAt = performance.now();
    const me = await signIn(browser, 'fiona');
    console.log(`a sign-in takes ${Math.round(performance.now() - startedAt)} ms`);
    expect([me.status, me.url.pathname]).toEqual([200, '/api/v1/me']);
    expect(JSON.parse(me.text)).toMatchObject({ role: 'front-desk', displayName: 'Fiona Keycloak', patients: [] });
    expect((await browser.request(`${daybook.url}/api/v1/patients`)).status).toBe(200);
    expect((await browser.request(`${daybook.url}/api/v1/audit`)).status).toBe(403);
  });

  it('a session there suffices for a browser without one of ours, and a second sign-in wants the password', async () => {
    const browser = new WebClient();
    await signIn(browser, 'fiona');
    const form = await goThere(browser);
    expect([form.status, form.location]).toEqual([200, undefined]);
    // Keycloak asks the person that it knows for the password alone.
    const me = await enter(browser, form, 'fiona');
    const { session } = JSON.parse(me.text) as { session: { authenticatedAt: string } };
    expect(Date.now() - Date.parse(session.authenticatedAt)).toBeLessThan(60_000);
    browser.forget(new URL(daybook.url));
    const back = await goThere(browser);
    expect((await browser.follow(back.location ?? expect.fail('Keycloak asks again'))).url.pathname).toBe('/api/v1/me');
  });

  it('a person without a role of ours reads so, and gets no session', async () => {
    const browser = new WebClient();
    const page = await signIn(browser, 'gary');
    expect([page.status, page.text.includes('has no role for Daybook')]).toEqual([403, true]);
    expect((await browser.request(`${daybook.url}/api/v1/me`)).status).toBe(401);
  });

  it('another role applies at the next sign-in', async () => {
    const [{ id = '' } = {}] = (await keycloak.administer('GET', '/users?username=fiona&exact=true')) as {
      id?: string;
    }[];
    const [old, next] = [
      await keycloak.administer('GET', '/roles/front-desk'),
      await keycloak.administer('GET', '/roles/administrator'),
    ];
    await keycloak.administer('DELETE', `/users/${id}/role-mappings/realm`, [old]);
    await keycloak.administer('POST', `/users/${id}/role-mappings/realm`, [next]);
    const browser = new WebClient();
    expect(JSON.parse((await signIn(browser, 'fiona')).text)).toMatchObject({ role: 'administrator' });
    expect((await browser.request(`${daybook.url}/api/v1/audit`)).status).toBe(200);
  });
});
