import { expect, test } from 'vitest';
import { preserveHost } from './preserve-host.ts';
import { runOnUpstreamRequest } from './testing.ts';

test('the service gets the host that the client requested', () => {
  const request = { headers: { host: 'daybook.example:8080' } };
  expect(runOnUpstreamRequest(preserveHost, true, '/a', [], request).headers).toEqual(['host', 'daybook.example:8080']);
  expect(runOnUpstreamRequest(preserveHost, true).headers).toEqual([]);
});
