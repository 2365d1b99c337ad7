import { expect, test } from 'vitest';
import { rateLimit } from './rate-limit.ts';
import { contextOf, requestOf } from './testing.ts';

const ADMIN = { id: 'admin', role: 'administrator', patientIds: [] } as const;

function limited(setting: object, context: Parameters<typeof contextOf>[0] = {}) {
  let address = '192.0.2.1';
  const filter = rateLimit.compile(
    { perSecond: 0.5, burst: 2, ...setting },
    contextOf({ clientAddressOf: () => address, ...context }),
  );
  return (from = address) => {
    address = from;
    const responseHeaders: string[] = [];
    return { response: filter.onRequest?.(requestOf(), responseHeaders), responseHeaders };
  };
}

test('a client without a token is refused, with the time to come back and the limit', () => {
  const admit = limited({});
  expect(admit()).toEqual({
    response: undefined,
    responseHeaders: ['ratelimit-policy', '"a";q=2;w=4', 'ratelimit', '"a";r=1;t=2'],
  });
  expect(admit().response).toBeUndefined();
  const { response, responseHeaders } = admit();
  expect(response).toMatchObject({ code: 'too-many-requests', extras: { retryAfterSeconds: 2 } });
  expect(responseHeaders.at(-1)).toBe('"a";r=0;t=4');
});

test('each client has tokens of its own, a whole IPv6 network the same', () => {
  const admit = limited({ burst: 1 });
  expect(admit('192.0.2.1').response).toBeUndefined();
  expect(admit('192.0.2.2').response).toBeUndefined();
  expect(admit('::ffff:192.0.2.1').response).toBeDefined();
  expect(admit('2001:db8::1').response).toBeUndefined();
  expect(admit('2001:db8::2').response).toBeDefined();
});

test('a caller counts as one, wherever from, unless the limit is by address', () => {
  const context = { callerOf: () => ADMIN };
  const byCaller = limited({ burst: 1 }, context);
  expect(byCaller('192.0.2.1').response).toBeUndefined();
  expect(byCaller('192.0.2.2').response).toBeDefined();
  const byAddress = limited({ burst: 1, key: 'address' }, context);
  expect(byAddress('192.0.2.1').response).toBeUndefined();
  expect(byAddress('192.0.2.2').response).toBeUndefined();
});
