/** Runs the commands beside a system of this process, as a user does beside `npm start`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@daybook/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type System, startAllInOne } from '../all-in-one.ts';

let folder: string;
let system: System;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybook-commands-'));
  const config = { DAYBOOK_DATA: folder, DAYBOOK_DEMO: 'off', LOG_LEVEL: 'error' } as const;
  const environment = { DAYBOOK_DATA: folder, DAYBOOK_PORT: '0' };
  system = await startAllInOne(config, environment, createLogger({ level: 'error' }));
}, 30_000);

afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true });
}, 30_000);

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (command: 'token' | 'admin', argv: readonly string[], data = folder): Promise<Ended> =>
  new Promise((resolve) => {
    const file = join(import.meta.dirname, `${command}-main.ts`);
    const env = { DAYBOOK_DATA: data };
    execFile(process.execPath, [file, ...argv], { env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });

const statusOf = async (path: string, token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token.trim()}` };
  return (await fetch(`${system.url}${path}`, { headers, signal: AbortSignal.timeout(5_000) })).status;
};

describe('npm run token', () => {
  it('prints a token that the running system accepts, for the role and no other', async () => {
    const administrator = (await run('token', ['administrator'])).stdout;
    expect(await statusOf('/api/v1/patients', administrator)).toBe(200);
    const patient = (await run('token', ['patient', '019c2f5e-0000-7000-8000-000000000001'])).stdout;
    expect(await statusOf('/api/v1/patients', patient)).toBe(403);
    expect(await statusOf('/api/v1/appointments', patient)).not.toBe(401);
  });

  it('prints one that lives for five minutes', async () => {
    const { stdout } = await run('token', ['front-desk']);
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.exp - claims.iat).toBe(300);
  });

  it('is wrong usage without a role, in one line and 64', async () => {
    const { code, stdout, stderr } = await run('token', []);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/^Usage: npm run -s token -- ROLE \[ID\].*\n$/);
  });

  it('makes no database where Daybook has never started, and ends with 69', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'daybook-empty-'));
    const { code, stderr } = await run('token', ['administrator'], empty);
    expect(code).toBe(69);
    expect(stderr).toMatch(/has no accounts\. Start Daybook first .*\n$/);
    expect(await readdir(empty)).toEqual([]);
    await rm(empty, { recursive: true });
  });
});

describe('npm run admin', () => {
  it('prints a link that sets up an administrator', async () => {
    const { code, stdout } = await run('admin', ['ada@clinic.example']);
    expect(code).toBe(0);
    expect(stdout.startsWith(`${system.url}/identity/link?token=`)).toBe(true);
    const page = await fetch(stdout.trim(), { signal: AbortSignal.timeout(5_000) });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('Set up your account');
  });

  it('is wrong usage without an e-mail address, in one line and 64', async () => {
    const { code, stderr } = await run('admin', ['ada']);
    expect(code).toBe(64);
    expect(stderr).toBe('Usage: npm run -s admin -- EMAIL\n');
  });
});
