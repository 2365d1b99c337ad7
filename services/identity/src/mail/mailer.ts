/** Sends the mails of the outbox in the background. Neither an address nor a link is ever logged. */
import { createLoop, type Loop } from '@daybook/async';
import type { FormerContact } from '@daybook/contracts';
import { errorFields, type Logger } from '@daybook/service';
import { en } from '../pages/words/en.ts';
import { findWords, type Words } from '../pages/words/words.ts';
import type { PatientContacts } from '../patient-contacts.ts';
import type { Account, AccountStore } from '../store/accounts.ts';
import type { ClaimedMail, MailOutbox } from '../store/mail-outbox.ts';
import type { OneTimeLinkStore } from '../store/one-time-links.ts';

/** A message as a transport sends it. */
export interface MailMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly language: string;
}

/** Resolves when the server has accepted a message. Has its own deadline. */
export type SendMail = (message: MailMessage) => Promise<void>;

const EVERY_MILLIS = 5_000;
/** Strangers can request mails for others, so one account gets one in this time. */
const PAUSE_MILLIS = 5 * 60_000;

export interface MailerOptions {
  readonly outbox: MailOutbox;
  readonly accounts: Pick<AccountStore, 'find'>;
  readonly contacts: Pick<PatientContacts, 'former'>;
  readonly links: Pick<OneTimeLinkStore, 'create' | 'wasCreatedWithin'>;
  readonly send: SendMail;
  readonly publicUrl: URL;
  readonly logger: Logger;
}

/** Returns the kind of a failure, because the text of a server can quote the address. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';

const wordsFor = (locale: string | undefined): Words => (locale === undefined ? undefined : findWords(locale)) ?? en;

function linkMessage(
  { email: to, displayName, locale }: Account,
  purpose: 'invitation' | 'recovery',
  link: string,
): MailMessage {
  const words = wordsFor(locale);
  const { language } = words;
  return purpose === 'invitation'
    ? { to, language, subject: words.mailInvitationSubject, text: words.mailInvitation(displayName, link) }
    : { to, language, subject: words.mailRecoverySubject, text: words.mailRecovery(displayName, link) };
}

/** Tells an administrator of an emergency access. The link leads to its audit entry, and names no patient. */
function emergencyMessage({ email: to, displayName, locale }: Account, id: string, { origin }: URL): MailMessage {
  const words = wordsFor(locale);
  const query = new URLSearchParams({ operation: 'emergencyAccess', subjectId: id });
  const text = words.mailEmergency(displayName, `${origin}/api/v1/audit?${query}`);
  return { to, language: words.language, subject: words.mailEmergencySubject, text };
}

/** Tells a former address that the contact of a record changed. It names neither the person nor the new contact. */
function contactMessage({ email: to, language: locale }: FormerContact): MailMessage | undefined {
  if (to === undefined) return undefined;
  const words = wordsFor(locale);
  return { to, language: words.language, subject: words.mailContactSubject, text: words.mailContact };
}

/**
 * Returns the message of a mail; undefined when nobody is to get it any more.
 * @throws Refusal `service-unavailable`
 */
async function messageFor(options: MailerOptions, mail: ClaimedMail): Promise<MailMessage | undefined> {
  const { accounts, contacts, links, publicUrl } = options;
  const { purpose, accountId, patientId, subjectId } = mail;
  if (purpose === 'contact-changed') {
    const former = patientId && subjectId ? await contacts.former(patientId, subjectId) : undefined;
    return former && contactMessage(former);
  }
  const account = accountId === undefined ? undefined : await accounts.find(accountId);
  if (!account || account.status === 'disabled') return undefined;
  if (purpose === 'emergency-access') {
    return account.role === 'administrator' && subjectId ? emergencyMessage(account, subjectId, publicUrl) : undefined;
  }
  const target = { purpose, accountId: account.id } as const;
  const isRepeated = mail.attempts === 1 && purpose === 'recovery';
  if (isRepeated && (await links.wasCreatedWithin(target, PAUSE_MILLIS))) return undefined;
  // A further attempt has a new link, which ends the one before.
  const token = await links.create(target);
  return linkMessage(account, purpose, `${publicUrl.origin}/identity/link?token=${token}`);
}

/** Sends the mails that are due. */
export async function sendDueMails(options: MailerOptions): Promise<void> {
  const { outbox, send, logger } = options;

  async function deliver(mail: ClaimedMail): Promise<void> {
    try {
      const message = await messageFor(options, mail);
      if (message) await send(message);
    } catch (error) {
      const isPlanned = await outbox.postpone(mail);
      const details = { mailId: mail.id, attempts: mail.attempts, reason: reasonOf(error) };
      logger.warn(details, isPlanned ? 'mail not sent' : 'mail given up');
      return;
    }
    await outbox.remove(mail);
  }

  for (const mail of await outbox.claim()) await deliver(mail);
}

export function startMailer(options: MailerOptions): Loop {
  const loop = createLoop({
    intervalMillis: EVERY_MILLIS,
    async run() {
      try {
        await sendDueMails(options);
        return true;
      } catch (error) {
        options.logger.warn(errorFields(error), 'mails not read');
        return false;
      }
    },
  });
  void loop.runNow();
  return loop;
}
