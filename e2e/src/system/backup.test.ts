/** A backup is of one moment in all databases during writes, and a restored system runs. */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type DaybookClient, expectData } from '@daybook/client';
import {
  clientOf,
  failToStart,
  halfHour,
  makeClinic,
  registerPatient,
  startDaybook,
  temporaryFolder,
} from '@daybook/testing';
import { expect, it } from 'vitest';
import { startTraffic } from '../support/steady-traffic.ts';

interface Outcome {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function runTool(tool: 'backup' | 'restore', data: string, ...argv: string[]): Promise<Outcome> {
  const main = join(import.meta.dirname, `../../../tools/backup/src/${tool}-main.ts`);
  const options = { env: { ...process.env, DAYBOOK_DATA: data }, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...argv], options, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }),
    );
  });
}

/** Opens all databases of a folder in one connection, each under the name of its service. */
function openAll(folder: string): DatabaseSync {
  const all = new DatabaseSync(':memory:');
  for (const name of ['patient', 'doctor', 'appointment', 'notification']) {
    all.prepare(`ATTACH ? AS ${name}`).run(join(folder, `${name}.sqlite`));
  }
  return all;
}

/** Inconsistencies that files of one moment cannot have, each as a count. */
const IMPOSSIBLE = {
  'an appointment of a patient who is not there':
    'FROM appointment.appointments WHERE patient_id NOT IN (SELECT id FROM patient.patients)',
  'an appointment with a doctor who is not there':
    'FROM appointment.appointments WHERE doctor_id NOT IN (SELECT id FROM doctor.doctors)',
  'a message of a change that was not made': `FROM notification.messages m WHERE NOT EXISTS (
     SELECT * FROM appointment.appointment_history h WHERE h.appointment_id = m.appointment_id AND h.version = m.sequence)`,
  'a change that is neither published nor due': `FROM appointment.appointment_history h WHERE NOT EXISTS (
     SELECT * FROM notification.messages m WHERE m.appointment_id = h.appointment_id AND m.sequence = h.version)
     AND NOT EXISTS (SELECT * FROM appointment.outbox o
       WHERE o.subject = h.appointment_id AND json_extract(o.event, '$.sequence') = h.version)`,
  'a change that was published, is due, and would be published again': `FROM appointment.outbox o JOIN notification.messages m
     ON m.appointment_id = o.subject AND m.sequence = json_extract(o.event, '$.sequence')
     WHERE o.event_id NOT IN (SELECT event_id FROM notification.inbox)`,
};

function audit(folder: string): Record<string, unknown> {
  using all = openAll(folder);
  const count = (what: string) => all.prepare(`SELECT count(*) AS n ${what}`).get()?.n;
  return Object.fromEntries(Object.entries(IMPOSSIBLE).map(([name, from]) => [name, count(from)]));
}

const nothingImpossible = Object.fromEntries(Object.keys(IMPOSSIBLE).map((name) => [name, 0]));

function appointmentsIn(folder: string): Set<string> {
  using all = openAll(folder);
  const rows = all.prepare('SELECT hex(id) AS id FROM appointment.appointments').all();
  return new Set(rows.map(({ id }) => String(id).toLowerCase()));
}

const bare = (id: string) => id.replaceAll('-', '');

/** Starts traffic: new patients book, sometimes with new doctors, and some cancel. Returns the confirmed ids. */
function startBooking(client: DaybookClient): { traffic: ReturnType<typeof startTraffic>; confirmed: string[] } {
  const confirmed: string[] = [];
  let clinic = makeClinic(client);
  const traffic = startTraffic([
    async (n) => {
      if (n % 20 === 19) clinic = makeClinic(client);
      const [{ doctor, type }, patient] = await Promise.all([clinic, registerPatient(client)]);
      const bookingFields = {
        doctorId: doctor.id,
        appointmentTypeId: type.id,
        patientId: patient.id,
        start: halfHour(n % 500),
      };
      const booked = expectData(await client.POST('/api/v1/appointments', { body: bookingFields }));
      confirmed.push(bare(booked.id));
      if (n % 3 === 0) {
        const params = { path: { id: booked.id } };
        expectData(
          await client.POST('/api/v1/appointments/{id}/cancel', { params, body: { reason: 'no longer needed' } }),
        );
      }
      return undefined;
    },
  ]);
  return { traffic, confirmed };
}

it('backs up one moment of all databases while two processes write to them', async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  const system = await startDaybook({ data });
  const second = await startDaybook({ data, service: 'appointment' });
  const client = clientOf(system);
  const { traffic, confirmed } = startBooking(client);

  const sizes: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    await traffic.more(40);
    const before = [...confirmed];
    const backup = join(folder.path, `backup-${round}`);
    expect(await runTool('backup', data, backup)).toMatchObject({ code: 0, stderr: '' });
    const restored = join(folder.path, `restored-${round}`);
    expect(await runTool('restore', restored, backup)).toMatchObject({ code: 0, stderr: '' });
    expect(audit(restored)).toEqual(nothingImpossible);
    const inBackup = appointmentsIn(restored);
    expect(before.filter((id) => !inBackup.has(id))).toEqual([]);
    sizes.push(inBackup.size);
  }
  expect(await traffic.stop()).toEqual([]);
  expect(new Set(sizes).size).toBe(sizes.length);
  expect(await second.end()).toEqual({ code: 0, signal: null });
  expect(await system.end()).toEqual({ code: 0, signal: null });
}, 120_000);

it('runs on with what was restored, and publishes every change once', async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  const system = await startDaybook({ data });
  const { traffic } = startBooking(clientOf(system));
  await traffic.more(30);
  const backup = join(folder.path, 'backup');
  expect(await runTool('backup', data, backup)).toMatchObject({ code: 0 });
  await traffic.stop();
  await system.end();
  const lost = appointmentsIn(data).size;
  expect(await runTool('restore', data, backup)).toMatchObject({ code: 64 });
  const { code, stdout } = await runTool('restore', data, backup, '--replace');
  expect(code).toBe(0);
  const aside = /kept in (\S+)\.\n$/.exec(stdout)?.[1] ?? '';
  expect(appointmentsIn(aside).size).toBe(lost);

  const restarted = await startDaybook({ data });
  const client = clientOf(restarted);
  const due = () => {
    using all = openAll(data);
    return all.prepare('SELECT count(*) AS n FROM appointment.outbox').get()?.n;
  };
  await expect.poll(due, { timeout: 20_000 }).toBe(0);
  await makeClinic(client);
  await restarted.end();
  using all = openAll(data);
  const changes = 'SELECT appointment_id, version FROM appointment.appointment_history ORDER BY 1, 2';
  const messages = 'SELECT appointment_id, sequence AS version FROM notification.messages ORDER BY 1, 2';
  expect(all.prepare(messages).all()).toEqual(all.prepare(changes).all());
  expect(audit(data)).toEqual(nothingImpossible);
}, 60_000);

it('restores into no folder that a process uses, and leaves it as it is', async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  const system = await startDaybook({ data });
  const joined = await startDaybook({ data, service: 'appointment' });
  const backup = join(folder.path, 'backup');
  await runTool('backup', data, backup);
  const restore = () => runTool('restore', data, backup, '--replace');
  const names = await readdir(data);
  const used = await restore();
  expect(used).toMatchObject({ code: 69, stdout: '' });
  expect(used.stderr).toMatch(/^Another Daybook \(process \d+\) uses the data folder /);
  await system.end();
  expect(await restore()).toMatchObject({ code: 69, stderr: expect.stringMatching(/npm start -- SERVICE/) });
  expect((await readdir(data)).filter((name) => !names.includes(name))).toEqual([]);
  await joined.end();
  expect(await restore()).toMatchObject({ code: 0 });
}, 60_000);

it('starts nothing on a folder in which a restore did not end', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'restoring.json'), '{}');
  const message = [expect.stringMatching(/^A restore into the data folder \S+ did not end\. Run npm run restore/)];
  expect(await failToStart({ data: folder.path })).toMatchObject({ code: 69, lines: message });
  expect(await failToStart({ data: folder.path, service: 'patient' })).toMatchObject({ code: 69, lines: message });
  expect((await readdir(folder.path)).filter((name) => name.endsWith('.sqlite'))).toEqual([]);
});
