/** The examples for integrators work as examples/README.md describes, against everything in one process. */
import { join } from 'node:path';
import { type DaybookClient, expectData } from '@daybook/client';
import type { System } from '@daybook/launcher';
import { clientOf, makeClinic, Program, temporaryFolder } from '@daybook/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TIMEOUT_MILLIS = 120_000;

describe('the example', () => {
  const stack = new AsyncDisposableStack();
  let system: System;
  let client: DaybookClient;
  beforeAll(async () => {
    const folder = stack.use(await temporaryFolder());
    system = await startEmbedded(folder.path);
    stack.defer(() => system.close());
    client = clientOf(system);
    // What the examples use of the demo clinic: a cardiologist, a type, and a patient whose name is Silva.
    const { doctor } = await makeClinic(client);
    const params = { path: { id: doctor.id } };
    expectData(await client.PATCH('/api/v1/doctors/{id}', { params, body: { specialties: ['cardiology'] } }));
  }, TIMEOUT_MILLIS);
  afterAll(() => stack.disposeAsync(), TIMEOUT_MILLIS);

  /** Runs a command of examples/README.md until it ends. */
  async function outputOf(command: string): Promise<string> {
    const [program = '', ...args] = command.split(' ');
    const token = await system.tokenFor({ role: 'front-desk' });
    const environment = { ...process.env, DAYBOOK_URL: system.url, DAYBOOK_TOKEN: token };
    const example = new Program(command, { command: program, arguments: args, environment, folder: ROOT });
    const end = await example.ended(TIMEOUT_MILLIS);
    expect(end, example.output()).toEqual({ code: 0, signal: null });
    return example.output();
  }

  async function statusOf(output: string): Promise<string> {
    const [, id = ''] = /appointment ([0-9a-f-]{36})/.exec(output) ?? [];
    return expectData(await client.GET('/api/v1/appointments/{id}', { params: { path: { id } } })).status;
  }

  it(
    'in TypeScript books a free time, and the next one when it runs again',
    async () => {
      const first = await outputOf('npm run --silent book -w examples');
      const second = await outputOf('npm run --silent book -w examples');
      expect(await statusOf(first)).toBe('booked');
      expect(await statusOf(second)).toBe('booked');
      expect(second).not.toBe(first);
    },
    2 * TIMEOUT_MILLIS,
  );

  it(
    'with curl books a time, moves it and cancels it',
    async () => {
      const output = await outputOf('sh examples/book.sh');
      expect(output).toMatch(/^booked at .+\nmoved to .+\nnow cancelled\nbooked, rescheduled, cancelled\n$/);
      expect(await statusOf(output)).toBe('cancelled');
    },
    TIMEOUT_MILLIS,
  );
});
