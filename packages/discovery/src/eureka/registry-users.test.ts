import { describe, expect, it } from 'vitest';
import { formatRegistryUsers, isRegistryUsers, parseRegistryUsers, withRegistryUser } from './registry-users.ts';

const PASSWORD = '0123456789abcdef';

describe('a list of users', () => {
  it.each([
    `a:${PASSWORD}`,
    `a:${PASSWORD},b-service:${PASSWORD}`,
    `a:${PASSWORD}\nb:${PASSWORD}\n`,
    ` a:${PASSWORD} `,
  ])('may be %j', (text) => {
    expect(isRegistryUsers(text)).toBe(true);
    expect(formatRegistryUsers(parseRegistryUsers(text))).toContain(`a:${PASSWORD}\n`);
  });

  it.each(['', ',', 'a', 'a:short', `A:${PASSWORD}`, `a:${PASSWORD},a:${PASSWORD}`, `a:${PASSWORD}@`, `:${PASSWORD}`])(
    'may not be %j',
    (text) => expect(isRegistryUsers(text)).toBe(false),
  );
});

it('a URL keeps the user that it names', () => {
  const users = parseRegistryUsers(`a:${PASSWORD}`);
  expect(withRegistryUser('http://h/eureka,http://x:y@i/eureka', 'a', users)).toBe(
    `http://a:${PASSWORD}@h/eureka,http://x:y@i/eureka`,
  );
  expect(withRegistryUser('http://h/eureka', 'unknown', users)).toBe('http://h/eureka');
});
