import { createSearchTable, createSharedTables, createTable, type DatabaseDialect } from '@daybook/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

async function createAccounts(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'accounts',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('role', types.text(20), (column) => column.notNull())
          .addColumn('status', types.text(20), (column) => column.notNull())
          .addColumn('login_key', types.text(254), (column) => column.notNull())
          .addColumn('email', types.text(254), (column) => column.notNull())
          .addColumn('display_name', types.text(200), (column) => column.notNull())
          .addColumn('doctor_id', types.id)
          .addColumn('locale', types.text(35), (column) => column.notNull())
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('updated_at', types.instant, (column) => column.notNull())
          .addUniqueConstraint('accounts_login', ['login_key'])
          .addUniqueConstraint('accounts_doctor', ['doctor_id'])
          .addCheckConstraint('accounts_role', sql`role in ('patient', 'doctor', 'front-desk', 'administrator')`)
          .addCheckConstraint('accounts_status', sql`status in ('invited', 'active', 'disabled')`)
          .addCheckConstraint('accounts_of_doctor', sql`doctor_id is null or role = 'doctor'`),
      ),
    {
      accounts_by_role: ['role', 'status'],
      accounts_by_role_id: ['role', 'id'],
      accounts_by_status: ['status', 'id'],
    },
  );
  await createTable(
    db,
    dialect,
    'account_patients',
    (table) =>
      clustered(
        table
          .addColumn('account_id', types.id, (column) => column.notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addColumn('relation', types.text(20), (column) => column.notNull())
          .addColumn('ends_at', types.instant)
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addPrimaryKeyConstraint('account_patients_pk', ['account_id', 'patient_id'])
          .addForeignKeyConstraint('account_patients_account', ['account_id'], 'accounts', ['id'])
          .addCheckConstraint('account_patients_relation', sql`relation in ('self', 'guardian', 'carer')`),
      ),
    { account_patients_by_patient: ['patient_id', 'account_id'] },
  );
}

/** Creates what proves that a person is the owner of an account. */
async function createCredentials(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'passwords', (table) =>
    clustered(
      table
        .addColumn('account_id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('hash', types.longText, (column) => column.notNull())
        .addColumn('changed_at', types.instant, (column) => column.notNull())
        .addForeignKeyConstraint('passwords_account', ['account_id'], 'accounts', ['id']),
    ),
  );
  await createTable(db, dialect, 'totp_secrets', (table) =>
    clustered(
      table
        .addColumn('account_id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('sealed', types.longText, (column) => column.notNull())
        .addColumn('last_step', types.integer, (column) => column.notNull())
        .addColumn('created_at', types.instant, (column) => column.notNull())
        .addForeignKeyConstraint('totp_secrets_account', ['account_id'], 'accounts', ['id']),
    ),
  );
  await createTable(db, dialect, 'recovery_codes', (table) =>
    clustered(
      table
        .addColumn('account_id', types.id, (column) => column.notNull())
        .addColumn('code_hash', types.bytes, (column) => column.notNull())
        .addPrimaryKeyConstraint('recovery_codes_pk', ['account_id', 'code_hash'])
        .addForeignKeyConstraint('recovery_codes_account', ['account_id'], 'accounts', ['id']),
    ),
  );
  await createTable(
    db,
    dialect,
    'passkeys',
    (table) =>
      clustered(
        table
          .addColumn('credential_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('account_id', types.id, (column) => column.notNull())
          .addColumn('credential_id', types.longText, (column) => column.notNull())
          .addColumn('public_key', types.longText, (column) => column.notNull())
          // 32 bits without a sign, which do not fit into an `integer` of MySQL.
          .addColumn('sign_count', types.instant, (column) => column.notNull())
          .addColumn('label', types.text(100), (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('last_used_at', types.instant)
          .addForeignKeyConstraint('passkeys_account', ['account_id'], 'accounts', ['id']),
      ),
    { passkeys_of: ['account_id'] },
  );
  await createTable(
    db,
    dialect,
    'used_challenges',
    (table) =>
      clustered(
        table
          .addColumn('challenge_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull()),
      ),
    { used_challenges_by_end: ['ends_at'] },
  );
}

/** Creates the sessions, and the steps that lead to one. All of them are found by the hash of a secret. */
async function createSessions(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'sessions',
    (table) =>
      clustered(
        table
          .addColumn('id_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('account_id', types.id, (column) => column.notNull())
          .addColumn('methods', types.text(100), (column) => column.notNull())
          .addColumn('device', types.text(200), (column) => column.notNull())
          .addColumn('authenticated_at', types.instant, (column) => column.notNull())
          .addColumn('last_active_at', types.instant, (column) => column.notNull())
          .addColumn('idle_ends_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addForeignKeyConstraint('sessions_account', ['account_id'], 'accounts', ['id']),
      ),
    { sessions_of: ['account_id', 'authenticated_at'], sessions_by_end: ['idle_ends_at'] },
  );
  await createTable(
    db,
    dialect,
    'oidc_sessions',
    (table) =>
      clustered(
        table
          .addColumn('uid_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('session_hash', types.bytes, (column) => column.notNull())
          .addForeignKeyConstraint('oidc_sessions_session', ['session_hash'], 'sessions', ['id_hash'], (reference) =>
            reference.onDelete('cascade'),
          ),
      ),
    { oidc_sessions_of: ['session_hash'] },
  );
  await createTable(
    db,
    dialect,
    'pending_sign_ins',
    (table) =>
      clustered(
        table
          .addColumn('id_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('account_id', types.id, (column) => column.notNull())
          .addColumn('tries_left', types.integer, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addForeignKeyConstraint('pending_sign_ins_account', ['account_id'], 'accounts', ['id']),
      ),
    { pending_sign_ins_of: ['account_id'], pending_sign_ins_by_end: ['ends_at'] },
  );
  await createTable(
    db,
    dialect,
    'one_time_links',
    (table) =>
      clustered(
        table
          .addColumn('token_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('purpose', types.text(30), (column) => column.notNull())
          .addColumn('subject', types.text(80), (column) => column.notNull())
          .addColumn('account_id', types.id)
          .addColumn('tries_left', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addUniqueConstraint('one_time_links_subject', ['subject'])
          .addForeignKeyConstraint('one_time_links_account', ['account_id'], 'accounts', ['id'])
          .addCheckConstraint(
            'one_time_links_purpose',
            sql`purpose in ('first-administrator', 'invitation', 'recovery')`,
          )
          .addCheckConstraint(
            'one_time_links_of_account',
            sql`(purpose = 'first-administrator') = (account_id is null)`,
          ),
      ),
    { one_time_links_of: ['account_id'], one_time_links_by_end: ['ends_at'] },
  );
  await createTable(
    db,
    dialect,
    'link_codes',
    (table) =>
      clustered(
        table
          .addColumn('code_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addColumn('relation', types.text(20), (column) => column.notNull())
          .addColumn('link_ends_at', types.instant)
          .addColumn('birth_date_code', types.text(43), (column) => column.notNull())
          .addColumn('identity_check', types.text(30), (column) => column.notNull())
          .addColumn('created_by', types.id, (column) => column.notNull())
          .addColumn('tries_left', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addForeignKeyConstraint('link_codes_creator', ['created_by'], 'accounts', ['id'])
          .addCheckConstraint('link_codes_relation', sql`relation in ('self', 'guardian', 'carer')`),
      ),
    {
      link_codes_of: ['patient_id', 'created_at'],
      link_codes_by_end: ['ends_at'],
      link_codes_by_creator: ['created_by'],
    },
  );
  await createTable(
    db,
    dialect,
    'mail_outbox',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('subject_hash', types.bytes, (column) => column.notNull())
          .addColumn('purpose', types.text(30), (column) => column.notNull())
          .addColumn('account_id', types.id)
          .addColumn('subject_id', types.id)
          .addColumn('patient_id', types.id)
          .addColumn('attempts', types.integer, (column) => column.notNull())
          .addColumn('due_at', types.instant, (column) => column.notNull())
          .addUniqueConstraint('mail_outbox_subject', ['subject_hash'])
          .addForeignKeyConstraint('mail_outbox_account', ['account_id'], 'accounts', ['id'])
          .addCheckConstraint(
            'mail_outbox_purpose',
            sql`purpose in ('invitation', 'recovery', 'emergency-access', 'contact-changed')`,
          ),
      ),
    { mail_outbox_by_due: ['due_at'], mail_outbox_of: ['account_id'], mail_outbox_of_patient: ['patient_id'] },
  );
  await createTable(
    db,
    dialect,
    'throttles',
    (table) =>
      clustered(
        table
          .addColumn('key_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('failures', types.integer, (column) => column.notNull())
          .addColumn('paused_until', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull()),
      ),
    { throttles_by_end: ['ends_at'] },
  );
}

/** Creates the list of the accounts of the demo clinic. Other data has none. */
async function createDemo(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'demo_accounts', (table) =>
    clustered(
      table
        .addColumn('role', types.text(20), (column) => column.primaryKey().notNull())
        .addColumn('account_id', types.id, (column) => column.notNull())
        .addUniqueConstraint('demo_accounts_account', ['account_id'])
        .addForeignKeyConstraint('demo_accounts_account_fk', ['account_id'], 'accounts', ['id']),
    ),
  );
}

/** Creates what connects accounts with the people of a foreign issuer. */
async function createForeignIdentities(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'foreign_identities', (table) =>
    clustered(
      table
        // Of the issuer and the subject. A comparison of the texts could ignore case.
        .addColumn('identity_hash', types.bytes, (column) => column.primaryKey().notNull())
        .addColumn('account_id', types.id, (column) => column.notNull())
        .addColumn('issuer', types.text(400), (column) => column.notNull())
        .addColumn('subject', types.text(255), (column) => column.notNull())
        .addColumn('created_at', types.instant, (column) => column.notNull())
        .addUniqueConstraint('foreign_identities_account', ['account_id'])
        .addForeignKeyConstraint('foreign_identities_account_fk', ['account_id'], 'accounts', ['id']),
    ),
  );
}

/** Creates the audit trail. Its ids are no foreign keys, because entries outlive what they are about. */
async function createAudit(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  // An `instant` has 64 bits. Reads of all services would use up 32 bits within years.
  const position = types.instant;
  await createTable(
    db,
    dialect,
    'audit_entries',
    (table) =>
      clustered(
        table
          .addColumn('position', position, (column) => column.primaryKey().notNull())
          .addColumn('at', types.instant, (column) => column.notNull())
          .addColumn('action', types.text(40), (column) => column.notNull())
          .addColumn('service', types.text(40), (column) => column.notNull())
          .addColumn('operation', types.text(80))
          .addColumn('actor_id', types.id)
          .addColumn('actor_role', types.text(20))
          .addColumn('program', types.text(200))
          .addColumn('account_id', types.id)
          .addColumn('subject_id', types.id)
          .addColumn('detail', types.text(200))
          .addColumn('previous_hash', types.bytes, (column) => column.notNull()),
      ),
    {
      audit_entries_by_operation: ['operation', 'position'],
      audit_entries_by_actor: ['actor_id', 'position'],
      audit_entries_by_account: ['account_id', 'position'],
    },
  );
  await createTable(
    db,
    dialect,
    'audit_patients',
    (table) =>
      clustered(
        table
          .addColumn('position', position, (column) => column.notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addPrimaryKeyConstraint('audit_patients_pk', ['position', 'patient_id']),
      ),
    { audit_patients_by_patient: ['patient_id', 'position'] },
  );
  await createTable(db, dialect, 'audit_head', (table) =>
    clustered(
      table
        .addColumn('id', types.integer, (column) => column.primaryKey().notNull())
        .addColumn('position', position, (column) => column.notNull())
        .addColumn('hash', types.bytes, (column) => column.notNull()),
    ),
  );
  await createTable(db, dialect, 'audit_checkpoint', (table) =>
    clustered(
      table
        .addColumn('id', types.integer, (column) => column.primaryKey().notNull())
        .addColumn('position', position, (column) => column.notNull())
        .addColumn('signed', types.longText, (column) => column.notNull()),
    ),
  );
}

/** Creates the signing keys, and the codes, grants, tokens and sessions of OpenID Connect. */
async function createIssuer(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'signing_keys', (table) =>
    clustered(
      table
        .addColumn('generation', types.integer, (column) => column.primaryKey().notNull())
        .addColumn('key_id', types.text(43), (column) => column.notNull())
        .addColumn('sealed', types.longText, (column) => column.notNull())
        .addColumn('published_at', types.instant, (column) => column.notNull())
        .addColumn('signs_from', types.instant, (column) => column.notNull())
        .addUniqueConstraint('signing_keys_id', ['key_id']),
    ),
  );
  await createTable(
    db,
    dialect,
    'oidc_artifacts',
    (table) =>
      clustered(
        table
          .addColumn('model', types.text(40), (column) => column.notNull())
          .addColumn('id_hash', types.bytes, (column) => column.notNull())
          .addColumn('uid_hash', types.bytes)
          .addColumn('grant_hash', types.bytes)
          .addColumn('payload', types.longText, (column) => column.notNull())
          .addColumn('consumed_at', types.instant)
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addPrimaryKeyConstraint('oidc_artifacts_pk', ['model', 'id_hash'])
          .addUniqueConstraint('oidc_artifacts_uid', ['uid_hash']),
      ),
    { oidc_artifacts_of: ['grant_hash'], oidc_artifacts_by_end: ['ends_at'] },
  );
}

export const identity = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createAccounts(db, dialect);
    await createCredentials(db, dialect);
    await createSessions(db, dialect);
    await createIssuer(db, dialect);
    await createForeignIdentities(db, dialect);
    await createAudit(db, dialect);
    await createDemo(db, dialect);
    await createSearchTable(db, dialect, 'accounts');
    await createSharedTables(db, dialect);
  },
});
