/** The rows of this service's own tables, as the migrations create them. */
import type { AccountRole, AccountStatus, AuditAction, IdentityCheck, Relation, Role } from '@daybook/contracts';
import type { SearchTables } from '@daybook/database';

export interface AccountRow {
  id: Uint8Array;
  role: AccountRole;
  status: AccountStatus;
  /** The e-mail address in the form that is compared, or the key of a foreign account (see domain/login-key.ts). */
  login_key: string;
  /** As the person writes it. */
  email: string;
  display_name: string;
  doctor_id: Uint8Array | null;
  locale: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface AccountPatientRow {
  account_id: Uint8Array;
  patient_id: Uint8Array;
  relation: Relation;
  ends_at: number | null;
  created_at: number;
}

export interface PasskeyRow {
  /** The hash of the credential id, which can be longer than a key of a table. */
  credential_hash: Uint8Array;
  account_id: Uint8Array;
  /** In base64url. */
  credential_id: string;
  /** A COSE key in base64url. */
  public_key: string;
  /** The counter of the authenticator, which reveals a copied one. */
  sign_count: number;
  label: string;
  created_at: number;
  last_used_at: number | null;
}

export interface SessionRow {
  id_hash: Uint8Array;
  account_id: Uint8Array;
  /** The methods of RFC 8176, separated by spaces. */
  methods: string;
  /** A browser and a system, for the person to recognize. */
  device: string;
  authenticated_at: number;
  last_active_at: number;
  /** Never later than `ends_at`. */
  idle_ends_at: number;
  ends_at: number;
}

/** The person of a foreign issuer that an account belongs to. */
export interface ForeignIdentityRow {
  identity_hash: Uint8Array;
  account_id: Uint8Array;
  issuer: string;
  subject: string;
  created_at: number;
}

export interface OneTimeLinkRow {
  token_hash: Uint8Array;
  purpose: 'first-administrator' | 'invitation' | 'recovery';
  /** The purpose and the account. It is a key, so a new link replaces an older one. */
  subject: string;
  account_id: Uint8Array | null;
  tries_left: number;
  created_at: number;
  ends_at: number;
}

/** A code by which a person gets a patient record. */
export interface LinkCodeRow {
  code_hash: Uint8Array;
  patient_id: Uint8Array;
  relation: Relation;
  /** The end of the link that the code makes. */
  link_ends_at: number | null;
  /** A keyed hash of the birth date, so that the table reveals none. */
  birth_date_code: string;
  identity_check: IdentityCheck;
  created_by: Uint8Array;
  tries_left: number;
  created_at: number;
  ends_at: number;
}

/** A mail to send. It holds no address and no link. */
export interface MailRow {
  id: Uint8Array;
  /** A keyed hash of the purpose and the login. */
  subject_hash: Uint8Array;
  purpose: 'invitation' | 'recovery' | 'emergency-access' | 'contact-changed';
  /** Null where there is no account for the mail. */
  account_id: Uint8Array | null;
  /** The emergency access, or the change of a contact. */
  subject_id: Uint8Array | null;
  /** The patient whose contact changed. */
  patient_id: Uint8Array | null;
  attempts: number;
  /** While a process sends the mail, the end of its claim. */
  due_at: number;
}

/** An entry of the audit trail. */
export interface AuditRow {
  /** 1, 2, 3, … without gaps. */
  position: number;
  at: number;
  action: AuditAction;
  /** The service that recorded it. */
  service: string;
  /** The operation id of a call. */
  operation: string | null;
  actor_id: Uint8Array | null;
  actor_role: Role | null;
  /** The caller, if it is not an account. */
  program: string | null;
  account_id: Uint8Array | null;
  /** The resource that was called for or changed. */
  subject_id: Uint8Array | null;
  detail: string | null;
  /** The hash of the entry before. */
  previous_hash: Uint8Array;
}

export interface ThrottleRow {
  key_hash: Uint8Array;
  failures: number;
  paused_until: number;
  /** When the failures are forgotten. */
  ends_at: number;
}

export interface SigningKeyRow {
  /** 1, 2, 3, …: of two processes that make the next key simultaneously, one succeeds. */
  generation: number;
  key_id: string;
  /** The private key as JWK, sealed. */
  sealed: string;
  published_at: number;
  /** A key signs until the next generation does. */
  signs_from: number;
}

export interface OidcArtifactRow {
  /** `AuthorizationCode`, `RefreshToken`, `Grant`, `Session`, … of oidc-provider. */
  model: string;
  id_hash: Uint8Array;
  /** Of a session of oidc-provider, which is also found by its uid. */
  uid_hash: Uint8Array | null;
  grant_hash: Uint8Array | null;
  /** As JSON, without the id. */
  payload: string;
  consumed_at: number | null;
  ends_at: number;
}

export interface IdentityTables extends SearchTables {
  accounts: AccountRow;
  account_patients: AccountPatientRow;
  passwords: { account_id: Uint8Array; hash: string; changed_at: number };
  /** `last_step` is the time step of the last accepted code. */
  totp_secrets: { account_id: Uint8Array; sealed: string; last_step: number; created_at: number };
  /** A used code is deleted. */
  recovery_codes: { account_id: Uint8Array; code_hash: Uint8Array };
  passkeys: PasskeyRow;
  /** Challenges of passkeys that were used and have not expired. */
  used_challenges: { challenge_hash: Uint8Array; ends_at: number };
  sessions: SessionRow;
  /** Which sign-in session a session of oidc-provider belongs to. */
  oidc_sessions: { uid_hash: Uint8Array; session_hash: Uint8Array };
  /** Sign-ins with a correct password that still need a code. */
  pending_sign_ins: { id_hash: Uint8Array; account_id: Uint8Array; tries_left: number; ends_at: number };
  foreign_identities: ForeignIdentityRow;
  one_time_links: OneTimeLinkRow;
  link_codes: LinkCodeRow;
  mail_outbox: MailRow;
  audit_entries: AuditRow;
  /** The patients that an entry is about. */
  audit_patients: { position: number; patient_id: Uint8Array };
  /** One row: the position and the signed hash of the last entry that retention has removed. */
  audit_checkpoint: { id: number; position: number; signed: string };
  /** One row: the last position, and the hash of that entry. */
  audit_head: { id: number; position: number; hash: Uint8Array };
  /** The accounts of the demo clinic, one for each role. Rows are the stored mark of the demo. */
  demo_accounts: { role: AccountRole; account_id: Uint8Array };
  throttles: ThrottleRow;
  signing_keys: SigningKeyRow;
  oidc_artifacts: OidcArtifactRow;
}
