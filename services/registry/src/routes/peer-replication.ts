/** Receives the changes of other registries, many in one call, in the format of Netflix. */
import { type App, createValidator } from '@daybook/service';
import { Type } from 'typebox';
import { ReplicationEntry, type ReplicationOutcome } from '../domain/replication.ts';
import type { Registry } from '../registry.ts';
import { addBodyParser, readJson } from './body-parsers.ts';

/** Netflix's servers send 250 changes in one call. */
const BATCH_LIMIT_BYTES = 4 * 1024 * 1024;
const MAX_ENTRIES = 2_000;

const check = createValidator(ReplicationEntry);
const Entries = Type.Array(Type.Unknown(), { maxItems: MAX_ENTRIES });
/** Some of Java's codecs wrap the batch in the name of its type. */
const Batch = Type.Union([
  Type.Object({ replicationList: Entries }),
  Type.Object({ replicationList: Type.Object({ replicationList: Entries }) }),
]);

export async function peerReplicationRoutes(app: App, { registry }: { registry: Registry }): Promise<void> {
  app.removeAllContentTypeParsers();
  addBodyParser(app, ['application/json'], BATCH_LIMIT_BYTES, readJson);

  /** Applies an entry. An unreadable entry does not affect the others. */
  function apply(entry: unknown): ReplicationOutcome {
    const checked = check(entry);
    return 'value' in checked ? registry.apply(checked.value) : { statusCode: 400 };
  }

  for (const path of ['/peerreplication/batch', '/peerreplication/batch/']) {
    const schema = { hide: true, body: Batch };
    app.post(path, { schema, bodyLimit: BATCH_LIMIT_BYTES, config: { writes: 'replication' } }, (request, reply) => {
      const { replicationList } = request.body;
      const entries = Array.isArray(replicationList) ? replicationList : replicationList.replicationList;
      return reply.type('application/json').send(JSON.stringify({ responseList: entries.map(apply) }));
    });
  }
}
