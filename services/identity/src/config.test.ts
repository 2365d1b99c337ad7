import { InvalidConfiguration } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { mayHaveDemoAccounts, readConfig } from './config.ts';

const allows = (environment: Record<string, string>): boolean => mayHaveDemoAccounts(readConfig(environment));

describe('demo accounts', () => {
  it('need to be switched on', () => {
    expect([allows({}), allows({ DAYBOOK_DEMO: 'off' }), allows({ DAYBOOK_DEMO: 'on' })]).toEqual([false, false, true]);
  });

  it('are not there with a foreign issuer', () => {
    const issuer = { OIDC_ISSUER: 'https://issuer.example', OIDC_CLIENT_ID: 'daybook', OIDC_CLIENT_SECRET: 'secret' };
    expect(allows({ DAYBOOK_DEMO: 'on', ...issuer })).toBe(false);
  });

  it.each([
    ['another address', { DAYBOOK_HOST: '0.0.0.0' }],
    ['another public address', { DAYBOOK_PUBLIC_URL: 'https://clinic.example' }],
    ['a trusted proxy', { DAYBOOK_TRUSTED_PROXIES: '127.0.0.1' }],
  ])('end the start with 78 at %s', (_what, environment) => {
    expect(() => readConfig({ DAYBOOK_DEMO: 'on', ...environment })).toThrow(InvalidConfiguration);
    expect(allows(environment)).toBe(false);
  });
});
