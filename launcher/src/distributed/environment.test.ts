import { describe, expect, it } from 'vitest';
import { checkServers, environmentOf } from './environment.ts';

const patient = { service: 'patient', count: 2 } as const;
const gateway = { service: 'gateway', count: 1 } as const;
const servers = { DAYBOOK_MYSQL_URL: 'mysql://daybook@db:3306', AMQP_URL: 'amqp://broker' };

describe('the environment of a process', () => {
  it('names its port, and the registry where it is our own', () => {
    expect(environmentOf(patient, 0, {}, 'http://127.0.0.1:8761/eureka')).toMatchObject({
      DAYBOOK_SERVICE_PORT: '0',
      EUREKA_URL: 'http://127.0.0.1:8761/eureka',
    });
    expect(environmentOf(patient, 7001, { EUREKA_URL: 'http://eureka/eureka' })).toMatchObject({
      DAYBOOK_SERVICE_PORT: '7001',
      EUREKA_URL: 'http://eureka/eureka',
    });
  });

  it('leaves the gateway on the port of the shell, until it has a port to come back to', () => {
    const shell = { DAYBOOK_HOST: '0.0.0.0', DAYBOOK_PORT: '80' };
    expect(environmentOf(gateway, 0, shell)).toMatchObject(shell);
    expect(environmentOf(gateway, 8080, shell)).toMatchObject({ DAYBOOK_HOST: '0.0.0.0', DAYBOOK_PORT: '8080' });
    expect(environmentOf({ ...gateway, ports: [0] }, 0, shell)).toMatchObject({ DAYBOOK_PORT: '0' });
  });

  it('has its log as JSON in any shell, because the supervisor formats it', () => {
    const shell = { DAYBOOK_LOG_FORMAT: 'pretty', DAYBOOK_LOG_FORMAT_FILE: '/run/format' };
    expect(environmentOf(patient, 0, shell)).toMatchObject({ DAYBOOK_LOG_FORMAT: 'json', DAYBOOK_LOG_FORMAT_FILE: '' });
  });

  it('lets only the gateway listen for others, unless the topology names an address', () => {
    const shell = { DAYBOOK_HOST: '0.0.0.0', DAYBOOK_ADVERTISED_HOST: 'clinic.example' };
    expect(environmentOf(patient, 0, shell)).toMatchObject({ DAYBOOK_HOST: '127.0.0.1', DAYBOOK_ADVERTISED_HOST: '' });
    const open = { ...patient, environment: { DAYBOOK_HOST: '10.0.0.1' } };
    expect(environmentOf(open, 0, shell)).toMatchObject({ DAYBOOK_HOST: '10.0.0.1' });
  });
});

describe('the servers', () => {
  it('are enough when the shell or the topology names them', () => {
    expect(() => checkServers([patient, gateway], servers)).not.toThrow();
    const named = { ...patient, environment: { DATABASE_URL: 'mysql://db/patients', AMQP_URL: 'amqp://broker' } };
    expect(() => checkServers([named, { ...gateway }], {})).not.toThrow();
  });

  it('that are missing are named all at once, without a value: 78', () => {
    const check = () => checkServers([patient, gateway], { DATABASE_URL: 'sqlite:mine' });
    expect(check).toThrow(expect.objectContaining({ exitCode: 78 }));
    for (const words of ['AMQP_URL is needed', 'DATABASE_URL is for a service that runs alone', 'docs/running.md']) {
      expect(check).toThrow(words);
    }
    expect(check).not.toThrow('mine');
    expect(() => checkServers([patient, gateway], { AMQP_URL: 'amqp://broker' })).toThrow(
      'DAYBOOK_MYSQL_URL is needed',
    );
  });
});
