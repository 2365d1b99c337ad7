/**
 * Codes by which a person gets a patient record. Front desk makes one after it has checked the identity, and the person
 * enters it together with the birth date of the record. The birth date is stored as a keyed hash.
 */
import { type IdentityCheck, Refusal, type Relation } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { authenticate, hashOfSecret, isSameText, newRecoveryCode, readRecoveryCode } from '../credentials/secrets.ts';
import { type IdentityTransaction, linkPatientIn, type PatientLink } from './accounts.ts';
import { type AuditActor, createAuditTrail } from './audit.ts';
import { NO_PATIENT } from './audit-chain.ts';
import type { IdentityTables, LinkCodeRow } from './tables.ts';

const LIVES_MILLIS = 72 * 60 * 60_000;
const TRIES = 5;
/** The most live codes of one patient. A further one ends the oldest. */
const MAX_CODES = 10;

export interface NewCode {
  readonly patientId: string;
  readonly birthDate: string;
  readonly relation: Relation;
  readonly linkEndsAt?: Temporal.Instant | undefined;
  readonly identityCheck: IdentityCheck;
  readonly createdBy: string;
}

export interface MadeCode {
  /** Stored nowhere. */
  readonly code: string;
  readonly endsAt: Temporal.Instant;
}

export interface LinkCodeStore {
  createIn(tx: IdentityTransaction, code: NewCode): Promise<MadeCode>;
  /**
   * Lets an account act for the patient of a code. A wrong birth date costs one of five tries. A wrong code, a wrong
   * birth date, and a code that was used or has expired are the same to the caller, and cost the same work.
   * @throws Refusal `link-code-refused`
   */
  redeem(account: AuditActor, entered: { code: string; birthDate: string }): Promise<PatientLink>;
}

/** One text for all reasons. */
export const codeRefused = (): Refusal =>
  new Refusal('link-code-refused', 'The code or the birth date is wrong, or the code was used or has expired.');

export function createLinkCodeStore(database: Database<IdentityTables>, clock: Clock, key: Uint8Array): LinkCodeStore {
  const now = () => clock().epochMilliseconds;
  const audit = createAuditTrail(database, clock);
  const birthDateCodeOf = (codeHash: Uint8Array, birthDate: string): string =>
    authenticate(`${Buffer.from(codeHash).toString('hex')} ${birthDate}`, key);

  async function makeRoom(tx: IdentityTransaction, patient_id: Uint8Array): Promise<void> {
    const rows = await tx
      .selectFrom('link_codes')
      .select('code_hash')
      .where('patient_id', '=', patient_id)
      .orderBy('created_at', 'desc')
      .execute();
    const surplus = rows.slice(MAX_CODES - 1).map(({ code_hash }) => code_hash);
    if (surplus.length > 0) await tx.deleteFrom('link_codes').where('code_hash', 'in', surplus).execute();
  }

  /** Takes one try of a live code. The statements are the same, whether there is such a code or not. */
  async function takeTry(tx: IdentityTransaction, code_hash: Uint8Array) {
    const row = await tx
      .selectFrom('link_codes')
      .selectAll()
      .where('code_hash', '=', code_hash)
      .where('ends_at', '>', now())
      .where('tries_left', '>', 0)
      .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
      .executeTakeFirst();
    await tx
      .updateTable('link_codes')
      .set((column) => ({ tries_left: column('tries_left', '-', 1) }))
      .where('code_hash', '=', code_hash)
      .where('tries_left', '>', 0)
      .execute();
    return row;
  }

  return {
    async createIn(tx, { patientId, birthDate, relation, linkEndsAt, identityCheck, createdBy }) {
      const code = newRecoveryCode();
      const code_hash = hashOfSecret(code);
      const patient_id = idToBytes(patientId);
      const ends_at = now() + LIVES_MILLIS;
      await makeRoom(tx, patient_id);
      await tx
        .insertInto('link_codes')
        .values({
          code_hash,
          patient_id,
          relation,
          link_ends_at: linkEndsAt?.epochMilliseconds ?? null,
          birth_date_code: birthDateCodeOf(code_hash, birthDate),
          identity_check: identityCheck,
          created_by: idToBytes(createdBy),
          tries_left: TRIES,
          created_at: now(),
          ends_at,
        })
        .execute();
      return { code, endsAt: Temporal.Instant.fromEpochMilliseconds(ends_at) };
    },

    async redeem(actor, { code, birthDate }) {
      // A text that cannot be a code is searched for as well, so that it costs the same work.
      const code_hash = hashOfSecret(readRecoveryCode(code) ?? code);
      const entered = birthDateCodeOf(code_hash, birthDate);
      const refuse = async (tx: IdentityTransaction, row: LinkCodeRow | undefined): Promise<undefined> => {
        // As many rows are written when there is no such code, so that the time of a refusal does not tell.
        const patientIds = [row ? idFromBytes(row.patient_id) : NO_PATIENT];
        await audit.appendIn(tx, { action: 'patient-link-refused', actor, accountId: actor.id, patientIds });
      };
      const link = await database.write(async (tx): Promise<PatientLink | undefined> => {
        const row = await takeTry(tx, code_hash);
        if (!isSameText(row?.birth_date_code ?? '-'.repeat(entered.length), entered) || !row) return refuse(tx, row);
        const { link_ends_at } = row;
        if (link_ends_at !== null && link_ends_at <= now()) return refuse(tx, row);
        const made = {
          patientId: idFromBytes(row.patient_id),
          relation: row.relation,
          ...(link_ends_at !== null && { endsAt: Temporal.Instant.fromEpochMilliseconds(link_ends_at) }),
        };
        await linkPatientIn(tx, database, actor.id, made, now());
        await tx.deleteFrom('link_codes').where('code_hash', '=', code_hash).execute();
        const { patientId } = made;
        await audit.appendIn(tx, { action: 'patient-linked', actor, accountId: actor.id, patientIds: [patientId] });
        return made;
      });
      if (!link) throw codeRefused();
      return link;
    },
  };
}
