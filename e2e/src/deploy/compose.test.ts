/** Runs the compose system: the golden journey, scaling up and down, replacement, and a restart of everything. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DaybookClient, expectData } from '@daybook/client';
import { type Clinic, halfHour, makeClinic } from '@daybook/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Traffic } from '../support/steady-traffic.ts';
import { describeGoldenJourney } from '../system/golden-journey.ts';
import { startBookings } from './bookings.ts';
import { composeSystem } from './compose-system.ts';
import { docker, dockerIsMissing, lines, SERVICES, type Service } from './docker.ts';
import { createGatewayClient } from './gateway-client.ts';

const isNightly = process.env.DAYBOOK_DEPLOY_KILLS === 'all';

/**
 * What is killed at once. The services that are left out stand on the same parts as appointment, and Eureka takes two
 * minutes to start, so only the nightly run kills everything, and each service alone.
 */
const KILLED = isNightly
  ? [...SERVICES, 'eureka', 'rabbitmq'].map((service) => [service])
  : [['gateway', 'appointment', 'identity', 'rabbitmq']];

/** What is replaced. Two cores need minutes for the start of every service, so only the nightly run has all of them. */
const REPLACED: readonly Service[] = isNightly ? SERVICES : ['identity', 'appointment', 'gateway'];

/** Shorter than a gateway goes on listening after it is told to stop. */
const REFRESH_INTERVAL_MILLIS = 1_000;

const PROJECT = `daybook-tested-${process.pid}`;
const VERSION = 'tested-compose';
const TWO_OF_EACH = Object.fromEntries(SERVICES.map((service) => [service, 2]));

describe.skipIf(dockerIsMissing('the compose system'))('the compose system', () => {
  const system = composeSystem(PROJECT, VERSION);

  beforeAll(async () => {
    await system.compose('build');
    await system.up();
  });
  afterAll(async () => {
    await system.down({ volumes: true });
    await docker(['image', 'rm', ...[...SERVICES, 'eureka'].map((name) => `daybook/${name}:${VERSION}`)]);
  });

  describe('takes', () => {
    describeGoldenJourney(async () => ({
      client: await system.client(),
      system: {
        stop: async (name) => void (await system.compose('stop', name)),
        restart: async (name) => void (await system.compose('up', '--detach', '--no-deps', '--wait', name)),
      },
    }));
  });

  it('has its databases on MySQL and its events on RabbitMQ', async () => {
    const query =
      'exec mysql --defaults-extra-file=/run/secrets/client.cnf -N -B -e "select count(*) from daybook_appointment.appointments"';
    expect(Number(await system.compose('exec', '-T', 'mysql', 'sh', '-c', query))).toBeGreaterThan(0);
    const queues = await system.compose('exec', '-T', 'rabbitmq', 'rabbitmqctl', '-q', 'list_queues', 'name');
    expect(queues).toContain('notification');
  });

  it('publishes the port of the gateway on loopback, and nothing else', async () => {
    const published = await docker([
      'ps',
      '--filter',
      `label=com.docker.compose.project=${PROJECT}`,
      '--format',
      '{{.Names}} {{.Ports}}',
    ]);
    const open = lines(published).filter((line) => line.includes('->'));
    expect(open).toEqual([expect.stringMatching(/-gateway-1 127\.0\.0\.1:\d+->8080\/tcp$/)]);
  });

  it('stores in volumes that have a name, so that none is left behind by each start', async () => {
    const ids = lines(await system.compose('ps', '-aq'));
    const mounts = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}';
    const volumes = lines(await docker(['inspect', '-f', mounts, ...ids]));
    expect(volumes.length).toBeGreaterThan(8);
    expect(volumes.filter((name) => !name.startsWith(`${PROJECT}_`))).toEqual([]);
  });

  it('keeps its passwords and keys out of the descriptions of its containers, their processes and their logs', async () => {
    const read = (file: string) =>
      system.compose('run', '--rm', '--no-deps', '-T', '--entrypoint', 'cat', 'secrets', `/secrets/all/${file}.json`);
    const passwords: string[] = Object.values(JSON.parse(await read('passwords')));
    expect(passwords.length).toBeGreaterThanOrEqual(7);
    const keys: { d: string }[] = Object.values(JSON.parse(await read('keys')));
    expect(keys).toHaveLength(4);
    const [sealingKey]: string[] = Object.values(JSON.parse(await read('sealing-key')));
    const secrets = [...passwords, ...keys.map(({ d }) => d), sealingKey ?? ''];
    for (const secret of secrets) expect(secret.length).toBeGreaterThan(30);
    const ids = lines(await system.compose('ps', '-aq'));
    const outputs = await Promise.all([
      docker(['inspect', ...ids]),
      system.compose('config'),
      system.compose('logs', '--no-color'),
      ...lines(await system.compose('ps', '-q')).map((id) => docker(['top', id])),
    ]);
    for (const secret of secrets) expect(outputs.filter((text) => text.includes(secret))).toEqual([]);
  });

  it('has warnings of Eureka in its log, and no more', async () => {
    expect(await system.compose('logs', '--no-color', 'eureka')).not.toContain(' INFO ');
  });

  it('lets a service read its own secrets, and only those', async () => {
    const [patient] = await system.containersOf('patient');
    if (!patient) throw new Error('no container of patient runs');
    const code = `import { readFileSync, readdirSync } from 'node:fs';
      console.log(readdirSync('/run/secrets').join(), readFileSync('/run/secrets/database-url', 'utf8').split(':')[1])`;
    expect(await system.evaluate(patient, code)).toBe('amqp-url,database-url,eureka-url,identity-key //patient');
  });

  it('lets the account of a service read and change its own tables, and nothing else', async () => {
    const [patient] = await system.containersOf('patient');
    if (!patient) throw new Error('no container of patient runs');
    const statements = [
      'select count(*) from patients',
      'create table probe (id int primary key)',
      'drop table probe',
      'select count(*) from daybook_identity.accounts',
      'create database daybookXpatient',
      'select user from mysql.user',
      'create user other',
      'create view probe as select 1',
    ];
    const code = `import { readFileSync } from 'node:fs';
      import { createConnection } from 'mysql2/promise';
      const connection = await createConnection(readFileSync('/run/secrets/database-url', 'utf8').trim());
      const codes = [];
      for (const sql of ${JSON.stringify(statements)}) codes.push(await connection.query(sql).then(() => 'ok', ({ code }) => code));
      console.log(codes.join());
      await connection.end();`;
    const codes = (await system.evaluate(patient, code)).split(',');
    expect(codes.slice(0, 3)).toEqual(['ok', 'ok', 'ok']);
    expect(codes.slice(3)).toEqual(codes.slice(3).map(() => expect.stringMatching(/^ER_.*ACCESS_?DENIED/)));
  });

  it('lets the account of a service publish, and read no queue of another', async () => {
    const [patient] = await system.containersOf('patient');
    if (!patient) throw new Error('no container of patient runs');
    const code = `import { readFileSync } from 'node:fs';
      import { connect } from 'amqplib';
      const connection = await connect(readFileSync('/run/secrets/amqp-url', 'utf8').trim());
      async function attempt(use) {
        const channel = await connection.createChannel();
        channel.on('error', () => undefined);
        return use(channel).then(() => 'ok', ({ code }) => code);
      }
      const queue = 'daybook.notification.messages';
      console.log([
        await attempt((channel) => channel.checkExchange('daybook.events')),
        await attempt((channel) => channel.checkQueue(queue)),
        await attempt((channel) => channel.get(queue)),
        await attempt((channel) => channel.purgeQueue(queue)),
        await attempt((channel) => channel.assertQueue('other')),
      ].join());
      await connection.close();`;
    expect(await system.evaluate(patient, code)).toBe('ok,ok,403,403,403');
  });

  it('prints a link for an administrator in a container of identity, which the gateway opens', async () => {
    const command = ['node', 'services/identity/src/admin-main.ts', 'first@example.org'];
    const link = await system.compose('exec', '-T', 'identity', ...command);
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:8080\/identity\/link\?token=[\w-]{43}$/);
    const [gateway] = await system.gateways();
    const { pathname, search } = new URL(link);
    expect((await fetch(`${gateway}${pathname}${search}`)).status).toBe(200);
  });

  it('rejects requests without a token, and goes on verifying tokens while identity is away', async () => {
    const [gateway] = await system.gateways();
    expect((await fetch(`${gateway}/api/v1/doctors`)).status).toBe(401);
    const client = await system.client();
    const read = async () => (await client.GET('/api/v1/doctors')).response.status;
    expect(await read()).toBe(200);
    await system.compose('stop', 'identity');
    expect(await read()).toBe(200);
    await system.compose('up', '--detach', '--no-deps', '--wait', 'identity');
  });

  it('starts the consoles on request', async () => {
    await system.compose('--profile', 'consoles', 'up', '--detach', '--wait', '--no-recreate', 'consoles');
    const [consoles] = await system.containersOf('consoles');
    const at = async (port: number) => `http://${await docker(['port', consoles?.ID ?? '', `${port}/tcp`])}`;
    expect(await (await fetch(`${await at(8761)}/`)).text()).toContain('PATIENT-SERVICE');
    const password = await system.compose('exec', '-T', 'consoles', 'cat', '/run/secrets/rabbitmq-password');
    const authorization = `Basic ${Buffer.from(`operator:${password}`).toString('base64')}`;
    const overview = await fetch(`${await at(15672)}/api/overview`, { headers: { authorization } });
    expect(overview.status).toBe(200);
    await system.compose('--profile', 'consoles', 'rm', '--stop', '--force', 'consoles');
  });

  it('gives new instances work at once', async () => {
    await system.up({ appointment: 3 });
    const client = await system.client();
    const instances = await system.containersOf('appointment');
    expect(instances).toHaveLength(3);
    const read = async () =>
      (await client.GET('/api/v1/appointments', { params: { query: { limit: 1 } } })).response.status;
    const probe = async () => {
      expect(await Promise.all(Array.from({ length: 8 }, read))).toEqual(Array.from({ length: 8 }, () => 200));
      const code = `console.log((await (await fetch('http://127.0.0.1:8081/metrics')).text()).includes('route="/api/v1/appointments",status="200"'))`;
      return Promise.all(instances.map((instance) => system.evaluate(instance, code)));
    };
    await expect.poll(probe, { timeout: 30_000 }).toEqual(['true', 'true', 'true']);
  });

  describe('with two of each service fails no GET and no keyed POST when', () => {
    const gateways = createGatewayClient(system.token);
    const refresh = async () => gateways.setGateways(await system.gateways());
    beforeAll(async () => {
      await system.up(TWO_OF_EACH);
      await refresh();
    });

    /** Expects that all confirmed bookings exist, once, and no others. */
    async function underTraffic(happen: (traffic: Traffic) => Promise<void>): Promise<void> {
      const { traffic, confirmed, listStored } = await startBookings(await system.client(), gateways);
      try {
        await traffic.more(50);
        await happen(traffic);
        await traffic.more(100);
      } finally {
        expect(await traffic.stop()).toEqual([]);
      }
      expect((await listStored(await system.client())).toSorted()).toEqual([...confirmed].toSorted());
    }

    it.each(KILLED.map((services) => [services.join(', '), services] as const))(
      'one container of %s is killed',
      (_names, services) =>
        underTraffic(async (traffic) => {
          const running = await Promise.all(services.map(system.containersOf));
          const victims = running.map(([victim]) => victim?.ID ?? '');
          await docker(['kill', '--signal', 'KILL', ...victims]);
          await traffic.more(200);
          await docker(['start', ...victims]);
          const health = () => Promise.all(victims.map(healthOf));
          await expect.poll(health, { timeout: 120_000 }).toEqual(victims.map(() => 'healthy'));
          await refresh();
        }),
    );

    it(`every container of ${REPLACED.join(', ')} is replaced at the same time`, async () => {
      const idsOf = async (service: string) => (await system.containersOf(service)).map(({ ID }) => ID);
      const before = await Promise.all(REPLACED.map(idsOf));
      await underTraffic(() => whileRefreshing(refresh, Promise.all(REPLACED.map(system.replace))));
      const after = await Promise.all(REPLACED.map(idsOf));
      expect(after.map(({ length }) => length)).toEqual(REPLACED.map(() => 2));
      expect(after.flat().filter((id) => before.flat().includes(id))).toEqual([]);
    });
  });

  it('has its data when it is taken down and brought up again', async () => {
    const client = await system.client();
    const clinic = await makeClinic(client);
    const booked = await book(client, clinic, 1);
    await system.down();
    expect(await system.compose('ps', '-aq')).toBe('');
    await system.up();
    const restarted = await system.client();
    expect(
      expectData(await restarted.GET('/api/v1/appointments/{id}', { params: { path: { id: booked.id } } })),
    ).toEqual(booked);
    const messages = async () => {
      const response = await restarted.GET('/api/v1/notifications', {
        params: { query: { appointmentId: booked.id } },
      });
      return response.data?.items.map(({ kind }) => kind);
    };
    await expect.poll(messages, { timeout: 20_000 }).toEqual(['booked']);
    await book(restarted, clinic, 3);
  });
});

const healthOf = (id: string) => docker(['inspect', '-f', '{{.State.Health.Status}}', id]);

/** Refreshes the gateways' addresses, as a load balancer does. */
async function whileRefreshing(refresh: () => Promise<void>, work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const refreshing = (async () => {
    while (!isOver) {
      await refresh();
      await sleep(REFRESH_INTERVAL_MILLIS);
    }
  })();
  try {
    await work;
  } finally {
    isOver = true;
    await refreshing;
  }
}

async function book(client: DaybookClient, { doctor, patient, type }: Clinic, n: number) {
  const body = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id, start: halfHour(n) };
  return expectData(await client.POST('/api/v1/appointments', { body }));
}
