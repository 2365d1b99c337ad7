/** For the tests of services: sends requests to an application, and reads what it is about to publish. */
import { asSharedDatabase, type Database } from '@daybook/database';
import type { App } from '../http/app-type.ts';
import type { Method } from './access-cases.ts';
import { ADMINISTRATOR, authorizationOf, type TestCaller } from './test-identity.ts';

export * from './access-cases.ts';
export * from './test-identity.ts';

/**
 * Returns a function that sends requests to paths below `prefix`, without a network, and parses the responses. They are
 * an administrator's, unless `callerOf` names somebody else or the headers have an `authorization`.
 */
export const requestsTo =
  (app: App, prefix: string, callerOf: () => TestCaller = () => ADMINISTRATOR) =>
  async (method: Method, path: string, payload?: object | string, headers: Record<string, string> = {}) => {
    const response = await app.inject({
      method,
      url: `${prefix}${path}`,
      headers: { ...(await authorizationOf(callerOf())), ...headers },
      ...(payload !== undefined && { payload }),
    });
    const body: unknown = response.body === '' ? undefined : response.json();
    return { status: response.statusCode, headers: response.headers, body };
  };

/** Returns the events that wait to be published, in the order of the writes, as stored. */
export async function readOutbox<Tables>(database: Database<Tables>): Promise<string[]> {
  const rows = await asSharedDatabase(database).read((db) =>
    db.selectFrom('outbox').select('event').orderBy('position').execute(),
  );
  return rows.map(({ event }) => event);
}
