/** How Daybook starts, how it ends, and what it says when it cannot start: one clear line and an exit code of sysexits. */

import { open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createClient, expectData } from '@daybook/client';
import { failToStart, makeClinic, startDaybook, temporaryFolder } from '@daybook/testing';
import { describe, expect, it } from 'vitest';

describe('a start', () => {
  it('fills an empty data folder with the demo clinic, and the next one finds it', async () => {
    await using folder = await temporaryFolder();
    const first = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const client = createClient({ baseUrl: first.url });
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
    const now = Temporal.Now.instant().toString();
    const past = expectData(await client.GET('/api/v1/appointments', { params: { query: { to: now, limit: 100 } } }));
    expect(new Set(past.items.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'noshow', 'cancelled']));
    expect(await first.end()).toEqual({ code: 0, signal: null });

    const second = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const again = createClient({ baseUrl: second.url });
    expect(expectData(await again.GET('/api/v1/doctors', { params: { query: {} } })).items).toEqual(doctors);
    expect(expectData(await again.GET('/api/v1/appointments', { params: { query } }))).toEqual(page);
    await second.end();
  });

  it('goes on with a demo that a killed start left half filled', async () => {
    await using folder = await temporaryFolder();
    const at = Temporal.Now.instant().subtract({ hours: 20 }).toString();
    await writeFile(join(folder.path, 'demo.json'), JSON.stringify({ state: 'filling', at }));
    await writeFile(join(folder.path, 'patient.sqlite'), '');
    const system = await startDaybook({ data: folder.path, environment: { DAYBOOK_DEMO: 'on' } });
    const client = createClient({ baseUrl: system.url });
    expect(expectData(await client.GET('/api/v1/doctors', { params: { query: {} } })).items).toHaveLength(5);
    await system.end();
  });

  it('says in its ready line where it is', async () => {
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
    const client = createClient({ baseUrl: system.url });
    await makeClinic(client);
    const running = Array.from({ length: 50 }, (_, n) =>
      client.POST('/api/v1/patients', {
        body: { givenName: 'Ana', familyName: `Silva ${n}`, birthDate: '1990-02-01' },
      }),
    );
    await Promise.race(running);
    const ended = system.end(signal);
    const outcomes = await Promise.allSettled(running);
    expect(await ended).toEqual({ code: 0, signal: null });
    const confirmed = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' && outcome.value.data ? [outcome.value.data.id] : [],
    );

    const again = await startDaybook({ data: folder.path });
    const later = createClient({ baseUrl: again.url });
    for (const id of confirmed) {
      expect((await later.GET('/api/v1/patients/{id}', { params: { path: { id } } })).response.status).toBe(200);
    }
    await again.end();
  });
});

describe('a start that cannot be says so in one line and', () => {
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
    const environment = { DAYBOOK_DEMO: 'perhaps', LOG_LEVEL: 'loud', EUREKA_URL: 'not a url' };
    const failed = await failToStart({ data: folder.path, environment });
    expect(failed).toMatchObject({ code: 78 });
    expect(failed.lines).toHaveLength(1);
    expect(failed.lines[0]).toMatch(/DAYBOOK_DEMO.*LOG_LEVEL|LOG_LEVEL.*DAYBOOK_DEMO/);
    expect(failed.lines[0]).toContain('EUREKA_URL');
    expect(failed.lines[0]).not.toMatch(/perhaps|loud|not a url/);
  });

  it('exits with 78 for a port that is no number', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, environment: { DAYBOOK_PORT: 'eighty' } });
    expect(failed).toMatchObject({ code: 78, lines: ['Wrong configuration: DAYBOOK_PORT must be integer.'] });
  });

  it('exits with 78 for a broker or a database that it cannot use, rather than run without', async () => {
    await using folder = await temporaryFolder();
    const environment = { AMQP_URL: 'amqp://127.0.0.1' };
    expect(await failToStart({ data: folder.path, environment })).toMatchObject({
      code: 78,
      lines: [expect.stringContaining('AMQP_URL')],
    });
  });

  it.for([
    [
      'no database at all',
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
    await makeClinic(createClient({ baseUrl: system.url }));
    await system.end();
    const path = join(folder.path, 'appointment.sqlite');
    await spoil(path);
    const failed = await failToStart({ data: folder.path });
    expect(failed).toMatchObject({
      code: 69,
      lines: [`The database file ${path} is broken. Restore it from a backup.`],
    });
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

  it('exits with 64 for a service that there is not', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, service: 'pharmacy' });
    expect(failed).toMatchObject({ code: 64, lines: [expect.stringContaining('one of registry, patient')] });
  });
});
