import { expect, test } from 'vitest';
import { preserveHost } from './preserve-host.ts';
import { sent } from './testing.ts';

test('the service gets the host that the client asked for', () => {
  const request = { headers: { host: 'daybook.example:8080' } };
  expect(sent(preserveHost, true, '/a', [], request).headers).toEqual(['host', 'daybook.example:8080']);
  expect(sent(preserveHost, true).headers).toEqual([]);
});
