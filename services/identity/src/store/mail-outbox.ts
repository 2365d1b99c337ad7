/**
 * Mails to send. A row names an account and a purpose only: the address is read, and the one-time link is made, when the
 * mail is sent. So the table reveals no address and opens nothing.
 */
import { createHmac } from 'node:crypto';
import { backoffMillis } from '@daybook/async';
import { type Database, idFromBytes, idToBytes, newId } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { IdentityTransaction } from './accounts.ts';
import type { IdentityTables, MailRow } from './tables.ts';

/** A process that took a mail and ended loses it to another one after this time. */
const CLAIM_MILLIS = 2 * 60_000;
const RETRY = { firstMillis: 30_000, longestMillis: 60 * 60_000 };
/** About four hours. */
const MAX_ATTEMPTS = 10;
const MAILS_A_RUN = 20;

export type MailPurpose = MailRow['purpose'];

export interface NewMail {
  readonly purpose: MailPurpose;
  /** Whom the mail is for, in the form of `loginKeyOf`, or what it is about. A further mail for the same replaces one that waits. */
  readonly loginKey: string;
  /** Undefined where there is no account for a mail. The row then only makes the work the same. */
  readonly accountId: string | undefined;
  /** The emergency access, or the change of a contact. */
  readonly subjectId?: string | undefined;
  /** The patient whose contact changed. The mail goes to the former contact, which the patient service has. */
  readonly patientId?: string | undefined;
}

/** A mail that this process sends, and no other one until the claim is over. */
export interface ClaimedMail {
  readonly id: string;
  readonly purpose: MailPurpose;
  readonly accountId: string | undefined;
  readonly subjectId: string | undefined;
  readonly patientId: string | undefined;
  readonly attempts: number;
}

export interface MailOutbox {
  enqueueIn(tx: IdentityTransaction, mail: NewMail): Promise<void>;
  /** Takes the mails that are due. */
  claim(): Promise<ClaimedMail[]>;
  /** Deletes a mail that was sent, or has no recipient. */
  remove(mail: ClaimedMail): Promise<void>;
  /** Plans a further attempt. Returns false after the last one, and deletes the mail. */
  postpone(mail: ClaimedMail): Promise<boolean>;
}

const bytesOf = (id: string | undefined): Uint8Array | null => (id === undefined ? null : idToBytes(id));
const textOf = (id: Uint8Array | null): string | undefined => (id === null ? undefined : idFromBytes(id));

export function createMailOutbox(database: Database<IdentityTables>, clock: Clock, key: Uint8Array): MailOutbox {
  const now = () => clock().epochMilliseconds;

  async function remove({ id }: ClaimedMail): Promise<void> {
    await database.write((tx) => tx.deleteFrom('mail_outbox').where('id', '=', idToBytes(id)).execute());
  }

  return {
    remove,

    async enqueueIn(tx, { purpose, loginKey, accountId, subjectId, patientId }) {
      const subject_hash = createHmac('sha256', key)
        .update(JSON.stringify([purpose, loginKey]))
        .digest();
      await tx.deleteFrom('mail_outbox').where('subject_hash', '=', subject_hash).execute();
      await tx
        .insertInto('mail_outbox')
        .values({
          id: idToBytes(newId()),
          subject_hash,
          purpose,
          account_id: bytesOf(accountId),
          subject_id: bytesOf(subjectId),
          patient_id: bytesOf(patientId),
          attempts: 0,
          due_at: now(),
        })
        .execute();
    },

    async claim() {
      const due = await database.read((db) =>
        db
          .selectFrom('mail_outbox')
          .selectAll()
          .where('due_at', '<=', now())
          .orderBy('due_at')
          .limit(MAILS_A_RUN)
          .execute(),
      );
      const claimed: ClaimedMail[] = [];
      for (const row of due) {
        const { id, purpose, attempts, due_at } = row;
        const { numUpdatedRows } = await database.write((tx) =>
          tx
            .updateTable('mail_outbox')
            .set({ due_at: now() + CLAIM_MILLIS, attempts: attempts + 1 })
            .where('id', '=', id)
            .where('due_at', '=', due_at)
            .executeTakeFirst(),
        );
        if (numUpdatedRows === 0n) continue;
        claimed.push({
          id: idFromBytes(id),
          purpose,
          accountId: textOf(row.account_id),
          subjectId: textOf(row.subject_id),
          patientId: textOf(row.patient_id),
          attempts: attempts + 1,
        });
      }
      return claimed;
    },

    async postpone(mail) {
      if (mail.attempts >= MAX_ATTEMPTS) {
        await remove(mail);
        return false;
      }
      const due_at = now() + Math.round(backoffMillis(mail.attempts, RETRY));
      await database.write((tx) =>
        tx.updateTable('mail_outbox').set({ due_at }).where('id', '=', idToBytes(mail.id)).execute(),
      );
      return true;
    },
  };
}
