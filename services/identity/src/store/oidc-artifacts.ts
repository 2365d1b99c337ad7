/**
 * The codes, grants, refresh tokens, sessions and interactions of oidc-provider. They are found by the hash of their
 * id, because an id opens something.
 */
import { type Database, WriteConflict } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { hashOfSecret } from '../credentials/secrets.ts';
import type { IdentityTables, OidcArtifactRow } from './tables.ts';

/** Strangers can start interactions, and only these. More than this many at a time are refused. */
const MAX_INTERACTIONS = 50_000;
const LIMIT_CHECK_MILLIS = 10_000;

/** The model of ids that must never be used twice. */
const REPLAY_DETECTION = 'ReplayDetection';
const INTERACTION = 'Interaction';

/** The payload of oidc-provider. This module reads the members that are columns, and keeps the others as they are. */
export interface ArtifactPayload {
  readonly jti?: unknown;
  readonly uid?: unknown;
  readonly grantId?: unknown;
  readonly consumed?: unknown;
}

export type UpsertResult = 'stored' | 'already-used' | 'too-many';

export interface ArtifactStore {
  /** Stores an artifact. An id of `ReplayDetection` is stored once only. */
  upsert(model: string, id: string, payload: ArtifactPayload, livesSeconds: number): Promise<UpsertResult>;
  find(model: string, id: string): Promise<Record<string, unknown> | undefined>;
  /** Finds a session of oidc-provider by its uid. */
  findByUid(model: string, uid: string): Promise<Record<string, unknown> | undefined>;
  /** Marks an artifact as used. Returns true for one of several that do so simultaneously. */
  consume(model: string, id: string): Promise<boolean>;
  destroy(model: string, id: string): Promise<void>;
  revokeByGrantId(model: string, grantId: string): Promise<void>;
}

const hashIfText = (value: unknown): Uint8Array | null => (typeof value === 'string' ? hashOfSecret(value) : null);

export function createArtifactStore(database: Database<IdentityTables>, clock: Clock): ArtifactStore {
  const now = () => clock().epochMilliseconds;
  let limitCheckedAt = Number.NEGATIVE_INFINITY;
  let isFull = false;

  async function hasTooManyInteractions(): Promise<boolean> {
    if (Math.abs(now() - limitCheckedAt) < LIMIT_CHECK_MILLIS) return isFull;
    limitCheckedAt = now();
    const beyond = await database.read((db) =>
      db
        .selectFrom('oidc_artifacts')
        .select('ends_at')
        .where('model', '=', INTERACTION)
        .limit(1)
        .offset(MAX_INTERACTIONS)
        .executeTakeFirst(),
    );
    isFull = beyond !== undefined;
    return isFull;
  }

  /** The id is not stored, so that the table opens nothing. */
  function toRow(model: string, id: string, payload: ArtifactPayload, livesSeconds: number): OidcArtifactRow {
    const { jti, ...rest } = payload;
    return {
      model,
      id_hash: hashOfSecret(id),
      uid_hash: hashIfText(payload.uid),
      grant_hash: hashIfText(payload.grantId),
      payload: JSON.stringify(rest),
      consumed_at: null,
      ends_at: now() + livesSeconds * 1_000,
    };
  }

  async function insertOnce(row: OidcArtifactRow): Promise<UpsertResult> {
    try {
      await database.write((tx) => tx.insertInto('oidc_artifacts').values(row).execute());
      return 'stored';
    } catch (error) {
      if (!database.dialect.isUniqueViolation(error)) throw error;
      return 'already-used';
    }
  }

  async function replace(row: OidcArtifactRow): Promise<UpsertResult> {
    await database.write(async (tx) => {
      await tx.deleteFrom('oidc_artifacts').where('model', '=', row.model).where('id_hash', '=', row.id_hash).execute();
      // A session that got a new id keeps its uid.
      if (row.uid_hash) await tx.deleteFrom('oidc_artifacts').where('uid_hash', '=', row.uid_hash).execute();
      try {
        await tx.insertInto('oidc_artifacts').values(row).execute();
      } catch (error) {
        throw database.dialect.isUniqueViolation(error) ? new WriteConflict(error) : error;
      }
    });
    return 'stored';
  }

  function toPayload(row: Pick<OidcArtifactRow, 'payload' | 'consumed_at'> | undefined) {
    if (!row) return undefined;
    const payload: Record<string, unknown> = JSON.parse(row.payload);
    if (row.consumed_at !== null) payload.consumed = Math.floor(row.consumed_at / 1_000);
    return payload;
  }

  return {
    async upsert(model, id, payload, livesSeconds) {
      if (model === INTERACTION && (await hasTooManyInteractions())) return 'too-many';
      const row = toRow(model, id, payload, livesSeconds);
      return model === REPLAY_DETECTION ? insertOnce(row) : replace(row);
    },

    async find(model, id) {
      const row = await database.read((db) =>
        db
          .selectFrom('oidc_artifacts')
          .select(['payload', 'consumed_at'])
          .where('model', '=', model)
          .where('id_hash', '=', hashOfSecret(id))
          .executeTakeFirst(),
      );
      const payload = toPayload(row);
      return payload && { ...payload, jti: id };
    },

    async findByUid(model, uid) {
      const row = await database.read((db) =>
        db
          .selectFrom('oidc_artifacts')
          .select(['payload', 'consumed_at'])
          .where('uid_hash', '=', hashOfSecret(uid))
          .where('model', '=', model)
          .executeTakeFirst(),
      );
      return toPayload(row);
    },

    async consume(model, id) {
      const { numUpdatedRows } = await database.write((tx) =>
        tx
          .updateTable('oidc_artifacts')
          .set({ consumed_at: now() })
          .where('model', '=', model)
          .where('id_hash', '=', hashOfSecret(id))
          .where('consumed_at', 'is', null)
          .executeTakeFirst(),
      );
      return numUpdatedRows > 0n;
    },

    async destroy(model, id) {
      await database.write((tx) =>
        tx.deleteFrom('oidc_artifacts').where('model', '=', model).where('id_hash', '=', hashOfSecret(id)).execute(),
      );
    },

    async revokeByGrantId(model, grantId) {
      await database.write((tx) =>
        tx
          .deleteFrom('oidc_artifacts')
          .where('grant_hash', '=', hashOfSecret(grantId))
          .where('model', '=', model)
          .execute(),
      );
    },
  };
}
