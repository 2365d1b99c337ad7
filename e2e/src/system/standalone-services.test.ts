/** Each service is its own program, which starts from its own files and environment, in any order. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expectData } from '@daybook/client';
import {
  bearerOf,
  beginDaybook,
  clientOf,
  eurekaUrlOf,
  failToStart,
  halfHour,
  makeClinic,
  registryUsersVariable,
  startDaybook,
  temporaryFolder,
} from '@daybook/testing';
import { describe, expect, it } from 'vitest';
import { copyService } from '../support/service-copy.ts';

const mainOf = (service: string): string => join(import.meta.dirname, `../../../services/${service}/src/main.ts`);

const LISTENING = /listening at (http:\/\/[^"]+)/;

const statusOf = async (url: string, headers = {}) =>
  (await fetch(url, { headers, signal: AbortSignal.timeout(5_000) })).status;

it('runs the whole system out of seven programs, none of which has the files of another', async () => {
  await using folder = await temporaryFolder();
  const start = async (service: string, environment: Record<string, string>) =>
    startDaybook({ data: folder.path, program: await copyService(service, folder.path), environment });
  const registry = await start('registry', { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' });
  const member = (service: string) => ({ EUREKA_URL: eurekaUrlOf(`${service}-service`, `${registry.url}/eureka`) });
  const behind = await Promise.all(
    ['identity', 'patient', 'doctor', 'appointment', 'notification'].map((service) => start(service, member(service))),
  );
  await expect(access(join(folder.path, 'appointment/services/doctor'))).rejects.toThrow('ENOENT');
  const gateway = await start('gateway', member('gateway'));
  const client = clientOf(gateway);
  const { doctor, patient, type } = await makeClinic(client);
  const body = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id, start: halfHour(0) };
  const { id } = expectData(await client.POST('/api/v1/appointments', { body }));
  expectData(await client.GET('/api/v1/appointments/{id}', { params: { path: { id } } }));
  for (const one of [gateway, ...behind, registry]) {
    expect(await one.end('SIGTERM')).toEqual({ code: 0, signal: null });
  }
}, 120_000);

/** Returns the dependencies that a service logged as not ready, each as often as it was logged. */
const dependenciesNotReady = (service: { output(): string }): (string | undefined)[] =>
  service
    .output()
    .split('\n')
    .filter((line) => line.includes('dependency not ready'))
    .map((line) => /"dependency":"([^"]*)"/.exec(line)?.[1])
    .toSorted();

describe('a service that is started before what it needs', () => {
  it('waits for the services that it calls, logs that once, and is not ready until they are there', async () => {
    await using folder = await temporaryFolder();
    const registry = await startDaybook({
      data: folder.path,
      program: mainOf('registry'),
      environment: { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' },
    });
    const environmentOf = (service: string) => ({
      EUREKA_URL: eurekaUrlOf(`${service}-service`, `${registry.url}/eureka`),
      LOG_LEVEL: 'info',
    });
    const start = (service: string) =>
      beginDaybook({ data: folder.path, program: mainOf(service), environment: environmentOf(service) });
    const [gateway, appointment] = [start('gateway'), start('appointment')];
    for (const one of [gateway, appointment]) {
      await expect.poll(() => one.output(), { timeout: 20_000 }).toContain('dependency not ready');
      const url = LISTENING.exec(one.output())?.[1];
      expect(await statusOf(`${url}/health/live`)).toBe(200);
      const health = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
      expect(health.status).toBe(503);
      expect(await health.json()).toMatchObject({ components: { 'doctor-service': { status: 'DOWN' } } });
      expect(one.output()).not.toContain('is ready');
    }
    const gatewayUrl = LISTENING.exec(gateway.output())?.[1];
    const early = await fetch(`${gatewayUrl}/api/v1/appointments`, { signal: AbortSignal.timeout(5_000) });
    expect(early.status).toBe(503);
    expect(early.headers.get('retry-after')).toMatch(/^\d+$/);

    const others = ['identity', 'notification', 'patient', 'doctor'].map(start);
    const { url, tokenFor } = await gateway.ready;
    await appointment.ready;
    // The gateway does not wait for identity.
    const bearer = await bearerOf({ tokenFor });
    await expect.poll(() => statusOf(`${url}/api/v1/appointments`, bearer), { timeout: 20_000 }).toBe(200);
    expect(await statusOf(`${url}/health/ready`)).toBe(200);
    expect(dependenciesNotReady(appointment)).toEqual(['doctor-service', 'keys', 'patient-service', 'tokens']);
    for (const one of [gateway, appointment, ...others, registry]) await one.end();
  }, 120_000);

  it('waits for the registry', async () => {
    await using folder = await temporaryFolder();
    const program = mainOf('registry');
    const first = await startDaybook({
      data: folder.path,
      program,
      environment: { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' },
    });
    const { port } = new URL(first.url);
    await first.end();
    const environment = { EUREKA_URL: eurekaUrlOf('patient-service', `${first.url}/eureka`), LOG_LEVEL: 'info' };
    const patient = beginDaybook({ data: folder.path, program: mainOf('patient'), environment });
    await expect.poll(() => patient.output(), { timeout: 20_000 }).toContain('"dependency":"registry"');
    expect(await statusOf(`${LISTENING.exec(patient.output())?.[1]}/health/ready`)).toBe(503);
    const registry = await startDaybook({
      data: folder.path,
      program,
      environment: { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: port },
    });
    const { url } = await patient.ready;
    expect(await statusOf(`${url}/health/ready`)).toBe(200);
    expect(dependenciesNotReady(patient)).toEqual(['keys', 'registry']);
    await patient.end();
    await registry.end();
  }, 120_000);

  it('can be ended while it waits', async () => {
    await using folder = await temporaryFolder();
    const environment = { EUREKA_URL: 'http://127.0.0.1:1/eureka', LOG_LEVEL: 'info' };
    const patient = beginDaybook({ data: folder.path, program: mainOf('patient'), environment });
    await expect.poll(() => patient.output(), { timeout: 20_000 }).toContain('"dependency":"registry"');
    expect(await patient.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await expect(patient.ready).rejects.toThrow('before it was ready');
  });
});

describe('a program that cannot start reports it in one line and', () => {
  it('ends with 78 when nothing names a registry', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, program: mainOf('patient') });
    expect(failed).toMatchObject({ code: 78, lines: [expect.stringContaining('EUREKA_URL')] });
  });

  it('ends with 78 when a registry has no users', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, program: mainOf('registry') });
    expect(failed).toMatchObject({ code: 78, lines: [expect.stringContaining('DAYBOOK_REGISTRY_USERS')] });
  });

  it('ends with 78 and names every wrong variable', async () => {
    await using folder = await temporaryFolder();
    const environment = {
      LOG_LEVEL: 'loud',
      DAYBOOK_LOG_FORMAT: 'colourful',
      DAYBOOK_SERVICE_PORT: 'eighty',
      DATABASE_URL: 'nowhere',
    };
    const failed = await failToStart({ data: folder.path, program: mainOf('doctor'), environment });
    expect(failed).toMatchObject({ code: 78 });
    expect(failed.lines).toHaveLength(1);
    for (const name of Object.keys(environment)) expect(failed.lines[0]).toContain(name);
  });

  it('ends with 69 when its port is taken', async () => {
    await using folder = await temporaryFolder();
    const program = mainOf('registry');
    const first = await startDaybook({
      data: folder.path,
      program,
      environment: { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' },
    });
    const environment = { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: new URL(first.url).port };
    const failed = await failToStart({ data: folder.path, program, environment });
    expect(failed).toMatchObject({ code: 69, lines: [expect.stringContaining('is taken')] });
    await first.end();
  });
});
