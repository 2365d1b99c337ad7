/** For the tests of services: sends requests to an application, and reads what it is about to publish. */
import { AuditEventData } from '@daybook/contracts';
import { asSharedDatabase, type Database } from '@daybook/database';
import type { App } from '../http/app-type.ts';
import { createParser } from '../validation/validation.ts';
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

/**
 * Returns the events that wait to be published, in the order of the writes, as stored. It leaves out those of the audit
 * trail, which most requests add.
 */
export async function readOutbox<Tables>(database: Database<Tables>): Promise<string[]> {
  return (await readStored(database)).filter((event) => !isAuditEvent(event));
}

async function readStored<Tables>(database: Database<Tables>): Promise<string[]> {
  const rows = await asSharedDatabase(database).read((db) =>
    db.selectFrom('outbox').select('event').orderBy('position').execute(),
  );
  return rows.map(({ event }) => event);
}

const isAuditEvent = (event: string): boolean => event.includes('"type":"daybook.audit.recorded.v1"');

const readAuditEvent = createParser(AuditEventData);

/** Returns the calls that wait to be published to the audit trail, in the order of the writes. */
export async function readAudit<Tables>(database: Database<Tables>): Promise<AuditEventData[]> {
  return (await readStored(database)).filter(isAuditEvent).map((event) => readAuditEvent(JSON.parse(event).data));
}
