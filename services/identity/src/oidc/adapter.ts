/** The storage of oidc-provider, on our store. */
import { DatabaseUnavailable } from '@daybook/database';
import type { Adapter, AdapterFactory } from 'oidc-provider';
import type { ArtifactStore } from '../store/oidc-artifacts.ts';
import type { Library } from './library.ts';

/** Reports that the database is away as the error that clients know for it. */
export async function translateUnavailable<Result>({ errors }: Library, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    throw unavailable(errors, error);
  }
}

function unavailable(errors: Library['errors'], cause?: Error): Error {
  const error = new errors.TemporarilyUnavailable('Try again in a moment.', { cause, detail: 'the database is away' });
  error.status = 503;
  error.statusCode = 503;
  return error;
}

/** Returns a factory of adapters, one for each model. */
export function createAdapterFactory(library: Library, store: ArtifactStore): AdapterFactory {
  const { errors } = library;
  return (model): Adapter => ({
    async upsert(id, payload, expiresIn) {
      if (expiresIn === undefined) throw new Error(`an artifact without an end: ${model}`);
      const result = await translateUnavailable(library, store.upsert(model, id, payload, expiresIn));
      if (result === 'already-used') throw new errors.InvalidClientAuth({ detail: 'the assertion was used before' });
      if (result === 'too-many') throw unavailable(errors);
    },
    find: (id) => translateUnavailable(library, store.find(model, id)),
    findByUid: (uid) => translateUnavailable(library, store.findByUid(model, uid)),
    findByUserCode: async () => undefined,
    async consume(id) {
      const isFirst = await translateUnavailable(library, store.consume(model, id));
      if (!isFirst) throw new errors.InvalidGrant({ detail: 'it was used simultaneously' });
    },
    destroy: (id) => translateUnavailable(library, store.destroy(model, id)),
    revokeByGrantId: (grantId) => translateUnavailable(library, store.revokeByGrantId(model, grantId)),
  });
}
