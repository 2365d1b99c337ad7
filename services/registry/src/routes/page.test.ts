import { describe, expect, it } from 'vitest';
import { APP, authorizationOf, document, ID, startRegistry } from '../testing.ts';

type Registry = Awaited<ReturnType<typeof startRegistry>>;

const pageOf = async ({ origin }: Registry) => {
  const response = await fetch(origin, { signal: AbortSignal.timeout(5_000) });
  return { headers: response.headers, text: await response.text() };
};

describe('the page', () => {
  it('shows each instance: status, since when, last renewal, version', async () => {
    const registry = await startRegistry();
    await registry.register({ ...document, metadata: { version: '1.4.0' } });
    registry.time.now += 300_000;
    await registry.call('PUT', `apps/${APP}/${ID}`);
    registry.time.now += 12_000;
    const { text } = await pageOf(registry);
    expect(text).toContain(`<h2>${APP} <span class="muted">1 of 1 up</span></h2>`);
    for (const part of [ID, 'host1:8081', '>up<', '5 min ago', '12 s ago', '1.4.0']) expect(text).toContain(part);
    expect(text).not.toContain('renewals are missing');
  });

  it('shows when no instance has registered', async () => {
    expect((await pageOf(await startRegistry())).text).toContain('No instance has registered yet.');
  });

  it('offers to take an instance out of service, and to put it back', async () => {
    const registry = await startRegistry();
    await registry.register();
    const path = `/eureka/apps/${APP}/${encodeURIComponent(ID)}/status`;
    const headers = authorizationOf('operator');
    expect((await pageOf(registry)).text).toContain(
      `<button hidden data-method="PUT" data-path="${path}?value=OUT_OF_SERVICE">Take out of service</button>`,
    );
    await fetch(`${registry.origin}${path}?value=OUT_OF_SERVICE`, { method: 'PUT', headers });
    const { text } = await pageOf(registry);
    expect(text).toContain('>out of service<');
    expect(text).toContain(`<button hidden data-method="DELETE" data-path="${path}">Put back into service</button>`);
    await fetch(`${registry.origin}${path}`, { method: 'DELETE', headers });
    expect(await registry.statusOf()).toBe('UP');
  });

  it('shows when instances are kept although their renewals are missing', async () => {
    const registry = await startRegistry({ selfPreservation: true });
    await registry.register();
    expect((await pageOf(registry)).text).toContain('Many renewals are missing.');
  });

  it('shows a part of a very long list, marked as such', async () => {
    const registry = await startRegistry();
    for (let n = 0; n < 510; n += 1) await registry.register({ ...document, instanceId: `i${n}` });
    const { text } = await pageOf(registry);
    expect(text.match(/<button/g)).toHaveLength(500);
    expect(text).toContain('And 10 more');
  });
});

describe('what an instance registers of itself', () => {
  const evil = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>";

  it('is text on the page, wherever it stands', async () => {
    const registry = await startRegistry();
    const instance = {
      ...document,
      instanceId: evil,
      hostName: evil,
      app: evil,
      metadata: { version: evil },
    };
    const path = `apps/${encodeURIComponent(evil)}`;
    expect((await registry.register(instance, path, authorizationOf('peer'))).status).toBe(204);
    const { text } = await pageOf(registry);
    expect(text).not.toMatch(/<script>|<img|onerror='/i);
    expect(text.match(/<script/g)).toHaveLength(1);
    expect(text).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('could run nothing even if it were not', async () => {
    const registry = await startRegistry();
    const { headers } = await pageOf(registry);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

it.each(['page.css', 'page.js'])('%s comes from here', async (file) => {
  const { origin } = await startRegistry();
  const response = await fetch(`${origin}/${file}`, { signal: AbortSignal.timeout(5_000) });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/(css|javascript)/);
});

describe("a page of another site can change nothing with its reader's browser:", () => {
  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['an origin that is hidden', { origin: 'null' }],
    ['another site, by the header of the browser', { 'sec-fetch-site': 'cross-site' }],
    ['a sister site, by the header of the browser', { 'sec-fetch-site': 'same-site' }],
  ])('%s', async (_what, headers) => {
    const { call, register, statusOf } = await startRegistry();
    await register();
    const path = `apps/${APP}/${ID}`;
    const calls = [
      ['PUT', `${path}/status?value=OUT_OF_SERVICE`],
      ['DELETE', path],
      ['POST', `apps/${APP}`],
      ['POST', 'peerreplication/batch/'],
    ] as const;
    for (const [method, target] of calls) expect((await call(method, target, headers)).status).toBe(403);
    expect(await statusOf()).toBe('UP');
  });

  it('our own page can, and clients other than browsers', async () => {
    const { call, origin, register } = await startRegistry();
    await register();
    const path = `apps/${APP}/${ID}/status?value=OUT_OF_SERVICE`;
    expect((await call('PUT', path, { origin, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect((await call('PUT', path)).status).toBe(200);
  });
});
