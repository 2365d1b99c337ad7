import { expect, test } from 'vitest';
import { secureHeaders } from './secure-headers.ts';
import { faultsIn, runOnResponse } from './testing.ts';

test('the headers are there, on refusals too, and those of the service stay', () => {
  const { headers } = runOnResponse(
    secureHeaders,
    {},
    { headers: ['referrer-policy', 'origin'], isFromService: false },
  );
  expect(headers.slice(0, 2)).toEqual(['referrer-policy', 'origin']);
  expect(headers.filter((text) => text === 'referrer-policy')).toHaveLength(1);
  expect(headers).toEqual(expect.arrayContaining(['x-content-type-options', 'nosniff', 'x-frame-options', 'DENY']));
});

test('one that is not wanted is left out', () => {
  const { headers } = runOnResponse(secureHeaders, { without: ['strict-transport-security'] });
  expect(headers).not.toContain('strict-transport-security');
  expect(faultsIn(secureHeaders, { without: ['x-other'] }).join()).toContain('/without/0 must be one of');
});
