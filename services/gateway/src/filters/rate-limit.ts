import { Refusal } from '@daybook/contracts';
import { Type } from 'typebox';
import { clientKey } from '../http/addresses.ts';
import { defineFilter } from './filter.ts';

export const rateLimit = defineFilter({
  schema: Type.Object(
    {
      perSecond: Type.Number({ minimum: 0.001, maximum: 1_000_000 }),
      burst: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
      key: Type.Optional(Type.Enum(['caller', 'address'])),
    },
    { additionalProperties: false },
  ),
  summary:
    'limits requests per second, in bursts of `burst`, for each caller (`key: "caller"`, the default; callers without sign-in count by address) or client address (`"address"`); 429 beyond',
  example: { perSecond: 10, burst: 20 },
  compile({ perSecond, burst, key = 'caller' }, { route, limiterFor, callerOf, clientAddressOf }) {
    const limiter = limiterFor({ perSecond, burst });
    const policy = `"${route.id}";q=${burst};w=${Math.ceil(burst / perSecond)}`;
    return {
      onRequest(request, responseHeaders) {
        const caller = key === 'caller' ? callerOf(request) : undefined;
        const result = limiter.take(caller ? `caller ${caller.id}` : clientKey(clientAddressOf(request)));
        const state = `"${route.id}";r=${result.remaining};t=${result.resetSeconds}`;
        responseHeaders.push('ratelimit-policy', policy, 'ratelimit', state);
        if (result.allowed) return undefined;
        const { retryAfterSeconds } = result;
        return new Refusal('too-many-requests', 'There were too many requests. Retry later.', {
          retryAfterSeconds,
        });
      },
    };
  },
});
