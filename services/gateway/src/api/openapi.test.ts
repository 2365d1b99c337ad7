import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { PATIENTS, startGateway, startServer } from '../testing.ts';

const DOCTORS = { id: 'doctors', predicates: { path: ['/api/v1/doctors/**'] }, service: 'doctor-service' };

const startDescribed = (name: string, components: object = {}) =>
  startServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ openapi: '3.1.0', paths: { [`/api/v1/${name}`]: { get: {} } }, components }));
  });

describe('/openapi.json', () => {
  test('describes all services that the routes lead to', async () => {
    const [patients, doctors] = [await startDescribed('patients'), await startDescribed('doctors')];
    const { url, discovery } = await startGateway({ routes: [PATIENTS, DOCTORS], patients: [patients.url] });
    discovery.setInstances('doctor-service', [doctors.url]);
    const response = await fetch(`${url}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({
      info: { title: 'Daybook' },
      paths: { '/api/v1/doctors': {}, '/api/v1/patients': {} },
    });
  });

  test('does without identity, whose pages are not part of the API', async () => {
    const patients = await startDescribed('patients');
    const identity = { id: 'identity', predicates: { path: ['/identity/**'] }, service: 'identity-service' };
    const { url } = await startGateway({ routes: [PATIENTS, identity], patients: [patients.url] });
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
  });

  test('requests each service once for all clients within a few seconds', async () => {
    const patients = await startDescribed('patients');
    const { url } = await startGateway({ patients: [patients.url] });
    await Promise.all([1, 2, 3].map(() => fetch(`${url}/openapi.json`)));
    await fetch(`${url}/openapi.json`);
    expect(patients.requests).toEqual(['GET /openapi.json']);
  });

  test('names the service that is missing, and is there as soon as that is back', async () => {
    const [patients, doctors] = [await startDescribed('patients'), await startDescribed('doctors')];
    const { url, discovery } = await startGateway({ routes: [PATIENTS, DOCTORS], patients: [patients.url] });
    const response = await fetch(`${url}/openapi.json`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({
      code: 'service-unavailable',
      detail: 'The doctor service is not available.',
    });
    discovery.setInstances('doctor-service', [doctors.url]);
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
  });

  test('is not given when the services contradict each other', async () => {
    const one = await startDescribed('patients', { schemas: { Problem: { type: 'object' } } });
    const other = await startDescribed('doctors', { schemas: { Problem: { type: 'string' } } });
    const { url, discovery } = await startGateway({ routes: [PATIENTS, DOCTORS], patients: [one.url] });
    discovery.setInstances('doctor-service', [other.url]);
    const response = await fetch(`${url}/openapi.json`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'service-unavailable' });
  });
});

describe('/docs', () => {
  test('is a page that takes everything from the gateway and runs no inline script', async () => {
    const { url } = await startGateway();
    const response = await fetch(`${url}/docs`);
    const page = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(page).not.toMatch(/<script>|<style|\son\w+=|https?:/);
    const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(parts).toContain('/docs/static/swagger-ui-bundle.js');
    for (const path of parts) {
      const part = await fetch(new URL(path, url));
      expect([path, part.status]).toEqual([path, 200]);
      expect(part.headers.get('x-content-type-options')).toBe('nosniff');
      expect((await part.arrayBuffer()).byteLength).toBeGreaterThan(50);
    }
  });

  test('shows the document of all services', async () => {
    const { url } = await startGateway();
    const script = await fetch(`${url}/docs/start.js`);
    expect(script.headers.get('content-type')).toMatch(/^text\/javascript/);
    expect(await script.text()).toContain("url: '/openapi.json'");
  });

  test('sends the cookie of the browser, with the header that a change needs', async () => {
    const { url } = await startGateway();
    const script = await (await fetch(`${url}/docs/start.js`)).text();
    interface Settings {
      requestInterceptor(request: { headers: Record<string, string> }): unknown;
    }
    const given: Settings[] = [];
    runInNewContext(script, { SwaggerUIBundle: (settings: Settings) => void given.push(settings) });
    expect(given[0]?.requestInterceptor({ headers: {} })).toEqual({
      credentials: 'same-origin',
      headers: { 'X-Requested-With': 'docs' },
    });
  });

  test.each([
    '/docs/static/index.html',
    '/docs/static/',
    '/docs/static/../index.js',
    '/docs/static/%2e%2e/package.json',
  ])('does not serve %s', async (path) => {
    const { url } = await startGateway();
    expect((await fetch(url + path)).status).toBe(404);
  });
});
