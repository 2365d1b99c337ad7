/** Sends mail over SMTP. */
import { withDeadline } from '@daybook/async';
import type { SendMail } from './mailer.ts';

const CONNECT_MILLIS = 10_000;
const SILENCE_MILLIS = 15_000;
const TOTAL_MILLIS = 30_000;

/**
 * Returns a function that sends one message on a connection of its own.
 * @param url `smtp://USER:PASSWORD@HOST:PORT`, or `smtps` for TLS from the start
 */
export function createSmtpSender({ url, from }: { readonly url: string; readonly from: string }): SendMail {
  return async ({ to, subject, text, language }) => {
    // Loaded on use only, because many clinics have no mail.
    const { createTransport } = await import('nodemailer');
    const transport = createTransport({
      url,
      connectionTimeout: CONNECT_MILLIS,
      greetingTimeout: CONNECT_MILLIS,
      socketTimeout: SILENCE_MILLIS,
    });
    try {
      const message = {
        from,
        // An object, because text could name several recipients.
        to: { name: '', address: to },
        subject,
        text,
        headers: { 'content-language': language, 'auto-submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
      };
      await withDeadline(transport.sendMail(message), TOTAL_MILLIS, () =>
        Object.assign(new Error('The mail server did not respond in time.'), { code: 'ETIMEDOUT' }),
      );
    } finally {
      transport.close();
    }
  };
}
