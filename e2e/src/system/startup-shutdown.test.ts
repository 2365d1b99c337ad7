/** How Daybook starts and ends. A failed start prints one clear line and exits with a sysexits code. */

import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expectData } from '@daybook/client';
import {
  clientOf,
  failToStart,
  makeClinic,
  READY,
  startDaybook,
  startThroughNpm,
  temporaryFolder,
} from '@daybook/testing';
import { describe, expect, it, onTestFinished } from 'vitest';

describe('a start', () => {
  it('fills an empty data folder with the demo clinic, and the next one finds it', async () => {
    await using folder = await temporaryFolder();
    const first = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const client = clientOf(first);
    const doctors = expectData(await client.GET('/api/v1/doctors', { params: { query: {} } })).items;
    expect(new Set(doctors.map(({ timeZone }) => timeZone)).size).toBe(2);
    const yesterday = Temporal.Now.instant()
      .subtract({ hours: 24 * 8 })
      .toString();
    const nextWeek = Temporal.Now.instant()
      .add({ hours: 24 * 8 })
      .toString();
    const query = { from: yesterday, to: nextWeek, limit: 100 };
    const page = expectData(await client.GET('/api/v1/appointments', { params: { query } }));
    expect(page.items).toHaveLength(100);
    const aDayAgo = Temporal.Now.instant().subtract({ hours: 24 }).toString();
    const over = { to: aDayAgo, limit: 100 };
    const past = expectData(await client.GET('/api/v1/appointments', { params: { query: over } }));
    expect(new Set(past.items.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'noshow', 'cancelled']));
    expect(await first.end()).toEqual({ code: 0, signal: null });

    const second = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const restarted = clientOf(second);
    expect(expectData(await restarted.GET('/api/v1/doctors', { params: { query: {} } })).items).toEqual(doctors);
    expect(expectData(await restarted.GET('/api/v1/appointments', { params: { query } }))).toEqual(page);
    await second.end();
  });

  it('goes on with a demo that a killed start left half filled', async () => {
    await using folder = await temporaryFolder();
    const at = Temporal.Now.instant().subtract({ hours: 20 }).toString();
    await writeFile(join(folder.path, 'demo.json'), JSON.stringify({ state: 'pending', at }));
    await writeFile(join(folder.path, 'patient.sqlite'), '');
    const system = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const client = clientOf(system);
    expect(expectData(await client.GET('/api/v1/doctors', { params: { query: {} } })).items).toHaveLength(5);
    await system.end();
  });

  it('makes the demo clinic after a start that failed', async () => {
    await using folder = await temporaryFolder();
    // A folder where SQLite must write a file, so that it fails.
    const inTheWay = join(folder.path, 'patient.sqlite-wal');
    await mkdir(inTheWay);
    const failed = await failToStart({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    expect(failed).toMatchObject({ code: 69, lines: [expect.stringContaining('cannot be opened, read or written')] });
    await rm(inTheWay, { recursive: true });
    const system = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const client = clientOf(system);
    expect(expectData(await client.GET('/api/v1/doctors', { params: { query: {} } })).items).toHaveLength(5);
    expect(expectData(await client.GET('/api/v1/appointments', { params: { query: {} } })).items).toHaveLength(20);
    await system.end();
  });

  it('does not stop at a note about the demo that was cut off', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'demo.json'), '');
    await writeFile(join(folder.path, 'patient.sqlite'), '');
    const system = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    await system.end();
  });

  it('does not stop at a note about a running system that names no address', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'running.json'), JSON.stringify({ pid: 1, registryUrl: 'nowhere' }));
    const system = await startDaybook({ data: folder.path });
    await system.end();
  });

  it('keeps its data from other users of the machine', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    const system = await startDaybook({ data });
    expect((await stat(data)).mode & 0o077).toBe(0);
    await system.end();
  });

  it('listens for others with the gateway only', async () => {
    await using folder = await temporaryFolder();
    const system = await startDaybook({ data: folder.path, environment: { DAYBOOK_HOST: '0.0.0.0' } });
    // Every address of 127.0.0.0/8 is this machine. A public listener responds on the second, and an internal one does
    // not.
    const elsewhere = (url: string) =>
      fetch(new URL('/health/live', url.replace('127.0.0.1', '127.0.0.2')), { signal: AbortSignal.timeout(5000) });
    expect((await elsewhere(system.url)).status).toBe(200);
    const { registryUrl } = JSON.parse(await readFile(join(folder.path, 'running.json'), 'utf8'));
    await expect(elsewhere(registryUrl)).rejects.toThrow('fetch failed');
    await system.end();
  });

  it('names its address in its ready line', async () => {
    await using folder = await temporaryFolder();
    const system = await startDaybook({ data: folder.path });
    const lines = system.output().trim().split('\n');
    expect(lines.at(-1)).toMatch(/^Daybook is ready at http:\/\/127\.0\.0\.1:\d+ \(\d+\.\d s\)$/);
    const health = await fetch(`${system.url}/health/ready`, { signal: AbortSignal.timeout(5000) });
    expect(await health.json()).toMatchObject({ status: 'UP' });
    await system.end();
  });
});

describe('an end', () => {
  it.for(['SIGINT', 'SIGTERM'] as const)('on %s lets running requests finish and exits with 0', async (signal) => {
    await using folder = await temporaryFolder();
    const system = await startDaybook({ data: folder.path });
    const client = clientOf(system);
    await makeClinic(client);
    const running = Array.from({ length: 50 }, (_, n) =>
      client.POST('/api/v1/patients', {
        body: { givenName: 'Ana', familyName: `Silva at the end ${n}`, birthDate: '1990-02-01' },
      }),
    );
    await Promise.race(running);
    const ended = system.end(signal);
    const outcomes = await Promise.allSettled(running);
    expect(await ended).toEqual({ code: 0, signal: null });
    const confirmed = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' && outcome.value.data ? [outcome.value.data.id] : [],
    );

    const restarted = await startDaybook({ data: folder.path });
    const laterClient = clientOf(restarted);
    for (const id of confirmed) {
      expect((await laterClient.GET('/api/v1/patients/{id}', { params: { path: { id } } })).response.status).toBe(200);
    }
    await restarted.end();
  });
});

async function npmRun(script: 'start' | 'dev') {
  const folder = await temporaryFolder();
  const npm = startThroughNpm({ data: folder.path }, script);
  onTestFinished(async () => {
    await npm.end('SIGKILL');
    await folder[Symbol.asyncDispose]();
  });
  const [, url = ''] = await npm.printed(READY, 30_000);
  return { npm, url };
}

describe('npm start', () => {
  const npmStart = () => npmRun('start');

  it.each(['SIGTERM', 'SIGINT'] as const)('ends Daybook, and after it itself, on %s to npm alone', async (signal) => {
    const { npm, url } = await npmStart();
    expect(await npm.end(signal)).toEqual({ code: 0, signal: null });
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
  });

  it('ends in order on Ctrl-C, which the terminal sends to npm and to Daybook', async () => {
    const { npm, url } = await npmStart();
    expect(await npm.endGroup('SIGINT')).toEqual({ code: 0, signal: null });
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
  });
});

describe('npm run dev', () => {
  it('prints the ready line, and ends with Ctrl-C', async () => {
    const { npm, url } = await npmRun('dev');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await npm.endGroup('SIGINT');
    await expect.poll(() => fetch(`${url}/health/live`).then(String, String)).toContain('fetch failed');
  });
});

describe('a start that fails reports it in one line and', () => {
  it('exits with 69 when the port is taken', async () => {
    await using folder = await temporaryFolder();
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const failed = await failToStart({ data: folder.path, environment: { DAYBOOK_PORT: String(port) } });
    other.close();
    expect(failed).toMatchObject({
      code: 69,
      lines: [`Port ${port} is taken. Stop what uses it, or set DAYBOOK_PORT.`],
    });
  });

  it('exits with 78 and names every wrong variable, but no value', async () => {
    await using folder = await temporaryFolder();
    const environment = {
      DAYBOOK_DEMO: 'perhaps',
      LOG_LEVEL: 'loud',
      DAYBOOK_LOG_FORMAT: 'colourful',
      DAYBOOK_PORT: 'eighty',
      EUREKA_URL: 'http://:99999',
      AMQP_URL: 'http://somewhere',
      DAYBOOK_MYSQL_URL: 'postgres://elsewhere',
      DATABASE_URL: 'sqlite:mine',
    };
    const failed = await failToStart({ data: folder.path, environment });
    expect(failed).toMatchObject({ code: 78 });
    expect(failed.lines).toHaveLength(1);
    for (const name of Object.keys(environment)) expect(failed.lines[0]).toContain(name);
    for (const value of Object.values(environment)) expect(failed.lines[0]).not.toContain(value);
  });

  it('exits with 78 for a port that is not a number', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, environment: { DAYBOOK_PORT: 'eighty' } });
    expect(failed).toMatchObject({ code: 78, lines: ['Wrong configuration: DAYBOOK_PORT must be integer.'] });
  });

  it.for([
    [
      'not a database at all',
      async (path: string) => writeFile(path, 'this is not a database, however long it may go on'),
    ],
    [
      'cut off in the middle',
      async (path: string) => {
        const file = await open(path, 'r+');
        await file.truncate(4096 * 3);
        await file.close();
      },
    ],
  ] as const)('exits with 69 when a data file is %s', async ([, spoil]) => {
    await using folder = await temporaryFolder();
    const system = await startDaybook({ data: folder.path });
    await makeClinic(clientOf(system));
    await system.end();
    const path = join(folder.path, 'appointment.sqlite');
    await spoil(path);
    const failed = await failToStart({ data: folder.path });
    expect(failed).toMatchObject({
      code: 69,
      lines: [`The database file ${path} is broken. Restore it from a backup.`],
    });
  });

  it('exits with 69 when the data folder cannot be used', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'daybook.lock'));
    const failed = await failToStart({ data: folder.path });
    expect(failed).toMatchObject({ code: 69, lines: [expect.stringContaining('cannot be used')] });
  });

  it('exits with 69 when another Daybook uses the data folder', async () => {
    await using folder = await temporaryFolder();
    const system = await startDaybook({ data: folder.path });
    const failed = await failToStart({ data: folder.path });
    expect(failed).toMatchObject({ code: 69, lines: [expect.stringContaining(`process ${system.pid}`)] });
    await system.end();
  });

  it('exits with 69 when there is no registry for a single service', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, service: 'appointment' });
    expect(failed).toMatchObject({ code: 69, lines: [expect.stringContaining('No registry runs')] });
  });

  it('exits with 64 for a service that does not exist', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, service: 'pharmacy' });
    expect(failed).toMatchObject({ code: 64, lines: [expect.stringContaining('one of registry, identity, patient')] });
  });
});
