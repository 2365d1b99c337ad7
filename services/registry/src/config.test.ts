import { expect, it } from 'vitest';
import { readConfig } from './config.ts';

it('is a registry for one machine when nothing is set', () => {
  expect(readConfig({})).toEqual({
    DAYBOOK_HOST: '127.0.0.1',
    DAYBOOK_SERVICE_PORT: 8761,
    DAYBOOK_REGISTRY_SELF_PRESERVATION: 'off',
    DAYBOOK_REGISTRY_EVICTION_SECONDS: 1,
    DAYBOOK_REGISTRY_DELTA: 'on',
  });
});

it('names everything that is wrong at once', () => {
  const environment = {
    DAYBOOK_REGISTRY_PEERS: 'registry-2:8761',
    DAYBOOK_REGISTRY_SELF_PRESERVATION: 'yes',
    DAYBOOK_REGISTRY_EVICTION_SECONDS: '0',
  };
  const names = Object.keys(environment);
  for (const name of names) expect(() => readConfig(environment)).toThrow(name);
});
