/** Runs the runbook's commands for MySQL as written, against a server. Only the names of the databases differ. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import { describe, expect, it } from 'vitest';

const server = new URL(process.env.DAYBOOK_TEST_MYSQL_URL || 'mysql://root@127.0.0.1:3309');
const isRequired = (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').includes('mysql');
const OPTIONS = `[client]
host=${server.hostname}
port=${server.port || 3306}
user=${decodeURIComponent(server.username)}
${server.password && `password=${decodeURIComponent(server.password)}`}
`;
const COMMAND_DEADLINE_MILLIS = 60_000;
/** A prefix for this run only, because the server may be shared and may have a Daybook. */
const PREFIX = `daybook_test_${process.pid}_`;
const named = (text: string) =>
  text.replaceAll(/\bdaybook_(?=(patient|doctor|appointment|notification|identity)\b)/g, PREFIX);

const output = (command: string, ...argv: string[]): string =>
  execFileSync(command, argv, {
    encoding: 'utf8',
    timeout: COMMAND_DEADLINE_MILLIS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Returns why this machine cannot run the test. */
function whyNot(): string | undefined {
  try {
    output('mysqldump', '--version');
    const password = server.password && `--password=${decodeURIComponent(server.password)}`;
    const at = [`--host=${server.hostname}`, `--port=${server.port || 3306}`, `--user=${server.username}`, password];
    const version = output('mysql', ...at.filter(Boolean), '--connect-timeout=2', '-N', '-e', 'SELECT VERSION()');
    return version.includes('MariaDB') ? 'it is another server' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error);
  }
}

const reason = whyNot();
if (reason !== undefined) {
  const how =
    'start MySQL 9 on 127.0.0.1:3309 (root without a password) or set DAYBOOK_TEST_MYSQL_URL, and install its client';
  if (isRequired) throw new Error(`DAYBOOK_TEST_REQUIRE names mysql, which is not there: ${how} (${reason})`);
  process.stdout.write(`Left out, for want of a server: the runbook's commands for MySQL: ${how} (${reason})\n`);
}

/** The tables that the commands read, and a writer that registers, books and publishes until a row stops it. */
const CLINIC = named(`
CREATE DATABASE daybook_patient; CREATE DATABASE daybook_doctor;
CREATE DATABASE daybook_appointment; CREATE DATABASE daybook_notification; CREATE DATABASE daybook_identity;
CREATE TABLE daybook_identity.accounts (id BINARY(16) PRIMARY KEY);
INSERT INTO daybook_identity.accounts VALUES (UUID_TO_BIN(UUID()));
CREATE TABLE daybook_patient.patients (id BINARY(16) PRIMARY KEY);
CREATE TABLE daybook_patient.stop (now INT);
CREATE TABLE daybook_doctor.doctors (id BINARY(16) PRIMARY KEY);
CREATE TABLE daybook_appointment.appointments (id BINARY(16) PRIMARY KEY, patient_id BINARY(16), doctor_id BINARY(16));
CREATE TABLE daybook_appointment.appointment_history (appointment_id BINARY(16), version INT, PRIMARY KEY (appointment_id, version));
CREATE TABLE daybook_notification.messages (appointment_id BINARY(16), sequence INT);
DELIMITER //
CREATE PROCEDURE daybook_patient.work() BEGIN
  DECLARE n INT DEFAULT 0;
  WHILE n < 100000 AND NOT EXISTS (SELECT * FROM daybook_patient.stop) DO
    SET n = n + 1, @p = UUID_TO_BIN(UUID()), @d = UUID_TO_BIN(UUID()), @a = UUID_TO_BIN(UUID());
    INSERT INTO daybook_patient.patients VALUES (@p);
    INSERT INTO daybook_doctor.doctors VALUES (@d);
    START TRANSACTION;
    INSERT INTO daybook_appointment.appointments VALUES (@a, @p, @d);
    INSERT INTO daybook_appointment.appointment_history VALUES (@a, 1);
    COMMIT;
    INSERT INTO daybook_notification.messages VALUES (@a, 1);
  END WHILE;
END//
DELIMITER ;
`);

/** Returns the first block of commands in the runbook with such a command in it. */
async function commandsWith(part: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../../../docs/runbook.md'), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const block = blocks.find((one) => one.includes(part));
  if (block === undefined) throw new Error(`the runbook has no command with ${part}`);
  // The runbook has different commands for this client.
  const isMariaDb = output('mysqldump', '--version').includes('MariaDB');
  return named(isMariaDb ? block.replaceAll(/ --(source-data|set-gtid-purged)=\S+/g, '') : block);
}

describe.skipIf(reason !== undefined)('the commands of the runbook for MySQL', () => {
  it('dump one moment of all databases while they are written to, and restore it', async () => {
    await using folder = await temporaryFolder();
    for (const name of ['backup.cnf', 'restore.cnf']) {
      await writeFile(join(folder.path, name), OPTIONS, { mode: 0o600 });
    }
    const run = (commands: string) =>
      execFileSync('sh', ['-ec', commands], { cwd: folder.path, encoding: 'utf8', timeout: COMMAND_DEADLINE_MILLIS });
    const ask = (sql: string) => run(`mysql --defaults-extra-file=restore.cnf -N -e '${named(sql)}'`).trim();
    const booked = () => Number(ask('SELECT COUNT(*) FROM daybook_appointment.appointments'));

    await writeFile(join(folder.path, 'clinic.sql'), CLINIC);
    const restore = await commandsWith('DROP DATABASE');
    const [drop = ''] = restore.split(/^mysql \S+ </m);
    try {
      run('mysql --defaults-extra-file=restore.cnf < clinic.sql');
      const work = ['--defaults-extra-file=restore.cnf', '-e', named('CALL daybook_patient.work()')];
      const worker = spawn('mysql', work, { cwd: folder.path, stdio: 'inherit' });
      const ended = once(worker, 'exit');
      await expect.poll(booked, { timeout: 20_000 }).toBeGreaterThan(20);
      const before = booked();
      run(await commandsWith('mysqldump'));
      const after = booked();
      await expect.poll(booked, { timeout: 20_000 }).toBeGreaterThan(after);
      ask('INSERT INTO daybook_patient.stop VALUES (1)');
      expect(await ended).toEqual([0, null]);

      run(restore);
      expect(booked()).toBeGreaterThanOrEqual(before);
      expect(booked()).toBeLessThanOrEqual(after);
      expect(ask('SELECT COUNT(*) FROM daybook_identity.accounts')).toBe('1');
      expect(run(await commandsWith('AS without_patient')).trim()).toBe('0\t0\t0');
      // The check detects the missing row.
      ask('DELETE FROM daybook_patient.patients LIMIT 1');
      expect(run(await commandsWith('AS without_patient')).trim()).toBe('1\t0\t0');
    } finally {
      run(drop);
    }
  }, 120_000);
});
