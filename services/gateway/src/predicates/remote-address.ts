import { Type } from 'typebox';
import { compileNetworks } from '../http/addresses.ts';
import { definePredicate } from './predicate.ts';

export const remoteAddress = definePredicate({
  schema: Type.Array(Type.String({ format: 'network' }), { minItems: 1, maxItems: 100 }),
  summary: 'the client’s address, as reported by trusted proxies, is in one of these networks',
  example: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'],
  compile(networks, { clientAddressOf }) {
    const contains = compileNetworks(networks);
    return (request) => contains(clientAddressOf(request));
  },
});
