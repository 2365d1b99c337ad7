import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRegistryUsers } from '@daybook/service';
import { temporaryFolder } from '@daybook/testing';
import { describe, expect, it } from 'vitest';
import {
  prepareRegistryUsers,
  readRegistryUsers,
  withoutUsers,
  withRegistryAccess,
  withRegistryUrls,
} from './registry-users.ts';

describe('the users in a data folder', () => {
  it('are made once, for this user of the machine only', async () => {
    await using folder = await temporaryFolder();
    const users = await prepareRegistryUsers(folder.path, undefined);
    expect(new Set(users.values()).size).toBe(users.size);
    expect(users.has('patient-service') && users.has('peer') && users.has('operator')).toBe(true);
    expect((await stat(join(folder.path, 'registry-users'))).mode & 0o777).toBe(0o600);
    expect(await prepareRegistryUsers(folder.path, undefined)).toEqual(users);
    expect(await readRegistryUsers(folder.path)).toEqual(users);
  });

  it('are our own, with given passwords first; those of other applications are in no file', async () => {
    await using folder = await temporaryFolder();
    const given = 'patient-service:given-0123456789,billing:given-0123456789';
    const users = await prepareRegistryUsers(folder.path, given);
    expect([users.get('patient-service'), users.get('billing')]).toEqual(['given-0123456789', 'given-0123456789']);
    const stored = parseRegistryUsers(await readFile(join(folder.path, 'registry-users'), 'utf8'));
    expect([stored.get('patient-service'), stored.get('billing')]).toEqual(['given-0123456789', undefined]);
  });
});

describe('a process', () => {
  const users = parseRegistryUsers('patient-service:password-of-patient,doctor-service:password-of-doctor');
  const urls = 'http://one:8761/eureka,http://own:secret@two:8761/eureka';

  it('gets its own password and no other, in each URL that names no user', () => {
    const environment = withRegistryAccess('patient', { EUREKA_URL: urls, DAYBOOK_REGISTRY_USERS: 'all' }, users);
    expect(environment.EUREKA_URL).toBe(
      'http://patient-service:password-of-patient@one:8761/eureka,http://own:secret@two:8761/eureka',
    );
    expect(Object.values(environment).join()).not.toContain('password-of-doctor');
    expect(environment.DAYBOOK_REGISTRY_USERS).toBe('');
  });

  it('that is the registry knows all of them', () => {
    const { DAYBOOK_REGISTRY_USERS = '' } = withRegistryAccess('registry', {}, users);
    expect(parseRegistryUsers(DAYBOOK_REGISTRY_USERS)).toEqual(users);
  });

  it('gets the registry that a file names', () => {
    const environment = withRegistryUrls({ EUREKA_URL_FILE: '/secret' }, 'http://one:8761/eureka');
    expect(environment).toEqual({ EUREKA_URL: 'http://one:8761/eureka', EUREKA_URL_FILE: '' });
  });
});

it('an announced URL holds no password', () => {
  expect(withoutUsers('http://u:p@one:1/eureka,https://v:q@two/eureka')).toBe('http://one:1/eureka,https://two/eureka');
});
