/** Sends the mails of the outbox in the background. Neither an address nor a link is ever logged. */
import { createLoop, type Loop } from '@daybook/async';
import { errorFields, type Logger } from '@daybook/service';
import { en } from '../pages/words/en.ts';
import { findWords } from '../pages/words/words.ts';
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
  readonly links: Pick<OneTimeLinkStore, 'create' | 'wasCreatedWithin'>;
  readonly send: SendMail;
  readonly publicUrl: URL;
  readonly logger: Logger;
}

/** Returns the kind of a failure, because the text of a server can quote the address. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';

function messageFor(account: Account, purpose: ClaimedMail['purpose'], link: string): MailMessage {
  const words = findWords(account.locale) ?? en;
  const { email: to, displayName } = account;
  const { language } = words;
  return purpose === 'invitation'
    ? { to, language, subject: words.mailInvitationSubject, text: words.mailInvitation(displayName, link) }
    : { to, language, subject: words.mailRecoverySubject, text: words.mailRecovery(displayName, link) };
}

/** Sends the mails that are due. */
export async function sendDueMails(options: MailerOptions): Promise<void> {
  const { outbox, accounts, links, send, publicUrl, logger } = options;

  async function deliver(mail: ClaimedMail): Promise<void> {
    const { purpose, accountId } = mail;
    const account = accountId === undefined ? undefined : await accounts.find(accountId);
    if (!account || account.status === 'disabled') return outbox.remove(mail);
    const target = { purpose, accountId: account.id } as const;
    const isRepeated = mail.attempts === 1 && purpose === 'recovery';
    if (isRepeated && (await links.wasCreatedWithin(target, PAUSE_MILLIS))) return outbox.remove(mail);
    // A further attempt has a new link, which ends the one before.
    const token = await links.create(target);
    try {
      await send(messageFor(account, purpose, `${publicUrl.origin}/identity/link?token=${token}`));
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
