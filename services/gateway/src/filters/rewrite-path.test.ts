import { expect, test } from 'vitest';
import { rewritePath } from './rewrite-path.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

const VISITS = { from: '/visits/{id}/**', to: '/api/v1/appointments/{id}/**' };

test.each([
  ['/visits/7/cancel?x=1', '/api/v1/appointments/7/cancel?x=1'],
  ['/visits/7', '/api/v1/appointments/7'],
  ['/visits/a%2Fb', '/api/v1/appointments/a%2Fb'],
  ['/visits', '/visits'],
  ['/other/7', '/other/7'],
])('%s becomes %s', (url, rewritten) => {
  expect(runOnUpstreamRequest(rewritePath, VISITS, url).url).toBe(rewritten);
});

test.each([
  [{ from: '/a/{x}', to: '/{y}' }, '/to has {y}, which `from` does not have'],
  [{ from: '/{x}/{x}', to: '/{x}' }, '/from must not use a name twice'],
  [{ from: '/a', to: '/b/**' }, '/to ends with /**, which `from` does not'],
])('%j is refused', (setting, fault) => {
  expect(faultsIn(rewritePath, setting)).toEqual([fault]);
});
