/** The catalogue of predicates. A new predicate needs a file, a test, a line here and a row in `docs/gateway.md`. */
import type { PredicatePlugin } from '../routes/plugin.ts';
import { after } from './after.ts';
import { before } from './before.ts';
import { between } from './between.ts';
import { cookie } from './cookie.ts';
import { header } from './header.ts';
import { host } from './host.ts';
import { method } from './method.ts';
import { path } from './path.ts';
import { query } from './query.ts';
import { remoteAddress } from './remote-address.ts';
import { weight } from './weight.ts';

export const predicates: Readonly<Record<string, PredicatePlugin>> = {
  path,
  method,
  host,
  header,
  query,
  cookie,
  remoteAddress,
  weight,
  after,
  before,
  between,
};
