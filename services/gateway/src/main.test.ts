import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, type HostProcess, systemClock } from '@daybook/service';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig, start } from './main.ts';
import { unreachableUrl } from './testing.ts';

async function hostWith(environment: Record<string, string>): Promise<HostProcess> {
  return {
    environment: { DAYBOOK_PORT: '0', ...environment },
    logger: createLogger({ level: 'silent' }),
    registryUrls: [await unreachableUrl()],
    bus: createInProcessBus(),
    relaysEvents: false,
    fetchIntervalMillis: 10,
    clock: systemClock,
  };
}

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-routes-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'routes.json'), text);
  return join(folder, 'routes.json');
}

test.each([
  ['{"routes":[{"id":"a"}]}', /^The routes are wrong: .*\/routes\/0\/service is needed/],
  ['{', /^The routes are wrong: they are not JSON/],
])('a start with the wrong routes %s ends with 78', async (text, message) => {
  const host = await hostWith({ DAYBOOK_ROUTES: await fileWith(text) });
  await expect(start(host)).rejects.toMatchObject({ exitCode: 78, message: expect.stringMatching(message) });
});

test('a start without the routes that are named ends with 78', async () => {
  const host = await hostWith({ DAYBOOK_ROUTES: '/nowhere/routes.json' });
  await expect(start(host)).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringMatching(/^The routes cannot be read: ENOENT/),
  });
});

test('trusted proxies are addresses and networks', () => {
  const read = (list: string) => readConfig({ DAYBOOK_TRUSTED_PROXIES: list }).DAYBOOK_TRUSTED_PROXIES;
  expect(read('10.0.0.0/8,::1')).toBe('10.0.0.0/8,::1');
  expect(() => read('the-proxy')).toThrow('Wrong configuration: DAYBOOK_TRUSTED_PROXIES must be a valid network-list.');
});

test('a start with an unencrypted public address of another machine ends with 78', () => {
  expect(() => readConfig({ DAYBOOK_PUBLIC_URL: 'http://daybook.example.org' })).toThrow(
    'DAYBOOK_PUBLIC_URL must be https',
  );
  expect(readConfig({ DAYBOOK_PUBLIC_URL: 'http://127.0.0.1:9090' }).DAYBOOK_PUBLIC_URL).toBe('http://127.0.0.1:9090');
});

test('a start with a service key that is not a key ends with 78', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-keys-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const host = await hostWith({ DAYBOOK_DATA: folder, DAYBOOK_SERVICE_KEY: 'bm90IGEga2V5' });
  await expect(start(host)).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining('DAYBOOK_SERVICE_KEY'),
  });
});
