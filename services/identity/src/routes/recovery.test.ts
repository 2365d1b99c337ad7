import { describe, expect, it } from 'vitest';
import { startIdentity } from '../testing.ts';

const RECOVERY = '/identity/recovery';
const NEW_PASSWORD = 'orange ladder beneath the clouds';
const linkIn = (text: string): string => /https:\/\/daybook\.example\S+/.exec(text)?.[0] ?? expect.fail('no link');

describe('recovery by mail', () => {
  it('sends a patient a one-time link that sets a new password', async () => {
    const { addPerson, newBrowser, sendMails, sent, log, database } = await startIdentity({ hasMail: true });
    const ana = await addPerson();
    const browser = newBrowser();
    const page = await browser.submit(await browser.request(RECOVERY), { email: ' ANA@example.org' });
    expect([page.status, page.text.includes('Check your mail')]).toEqual([200, true]);
    const rows = JSON.stringify(await database.read((db) => db.selectFrom('mail_outbox').selectAll().execute()));
    expect(rows).not.toMatch(/example\.org|token/);
    await sendMails();
    expect(sent.map(({ to }) => to)).toEqual([ana.email]);
    const setUp = await newBrowser().request(linkIn(sent[0]?.text ?? ''));
    expect(setUp.text).toContain('Set a new password');
    const other = newBrowser();
    expect((await other.submit(setUp, { password: NEW_PASSWORD })).status).toBe(403);
    await other.request(linkIn(sent[0]?.text ?? ''));
    const opened = await other.request(linkIn(sent[0]?.text ?? ''));
    expect((await other.submit(opened, { password: NEW_PASSWORD })).status).toBe(303);
    expect(log.join('')).not.toMatch(/ana@|token=/i);
  });

  it('shows one page for a patient, a person of the staff and an unknown address, and mails the patient only', async () => {
    const { addPerson, newBrowser, sendMails, sent, accounts } = await startIdentity({ hasMail: true });
    await addPerson();
    await addPerson('doctor', { email: 'noor@example.org' });
    const disabled = await addPerson('patient', { email: 'bea@example.org' });
    await accounts.setStatus(disabled.id, 'disabled');
    const pages = new Set<string>();
    for (const name of ['ana', 'noor', 'bea', 'nobody']) {
      const browser = newBrowser();
      const page = await browser.submit(await browser.request(RECOVERY), { email: `${name}@example.org` });
      pages.add(`${page.status} ${page.text}`);
    }
    expect(pages.size).toBe(1);
    await sendMails();
    expect(sent.map(({ to }) => to)).toEqual(['ana@example.org']);
  });

  it('is throttled by address, and an account gets one mail in five minutes', async () => {
    const { addPerson, newBrowser, sendMails, sent, advance } = await startIdentity({ hasMail: true });
    await addPerson();
    const browser = newBrowser();
    const statuses: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      const page = await browser.request(RECOVERY);
      statuses.push((await browser.submit(page, { email: 'ana@example.org' })).status);
      await sendMails();
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([200, 429]);
    expect(sent).toHaveLength(1);
    advance({ minutes: 6 });
    const other = newBrowser();
    await other.submit(await other.request(RECOVERY), { email: 'ana@example.org' });
    await sendMails();
    expect(sent).toHaveLength(2);
  });

  it('tries again after a failure with a bound, and logs no address', async () => {
    const { addPerson, newBrowser, sendMails, sent, advance, log, database } = await startIdentity({ hasMail: true });
    await addPerson();
    const browser = newBrowser();
    await browser.submit(await browser.request(RECOVERY), { email: 'ana@example.org' });
    const fail = async () => {
      throw Object.assign(new Error('550 <ana@example.org> is unknown'), { code: 'EENVELOPE' });
    };
    await sendMails({ send: fail });
    await sendMails();
    expect(sent).toEqual([]);
    for (let count = 0; count < 9; count += 1) {
      advance({ hours: 2 });
      await sendMails({ send: fail });
    }
    expect(await database.read((db) => db.selectFrom('mail_outbox').selectAll().execute())).toEqual([]);
    expect(log.join('')).toContain('mail given up');
    expect(log.join('')).not.toContain('ana@');
  });

  it('sends each mail once, when two processes send simultaneously', async () => {
    const { addPerson, newBrowser, sendMails, sent } = await startIdentity({ hasMail: true });
    await addPerson();
    const browser = newBrowser();
    await browser.submit(await browser.request(RECOVERY), { email: 'ana@example.org' });
    await Promise.all([sendMails(), sendMails(), sendMails()]);
    expect(sent).toHaveLength(1);
  });
});

it('without mail, the page names the front desk and has no form', async () => {
  const { newBrowser } = await startIdentity();
  const page = await newBrowser().request(RECOVERY);
  expect(page.text).toContain('gives you a one-time link');
  expect(page.text).not.toContain('<form');
});

describe('staff', () => {
  it('invite by mail where it is configured, and see no link', async () => {
    const { addPerson, callAs, sendMails, sent, newBrowser } = await startIdentity({ hasMail: true });
    const desk = await addPerson('front-desk', { email: 'desk@example.org' });
    const { body } = await (await callAs(desk))('POST', '/accounts/invitations', {
      ...{ role: 'patient', email: 'new@example.org', displayName: 'New Person' },
    });
    expect(body).toMatchObject({ delivery: 'mail' });
    expect(body).not.toHaveProperty('link');
    await sendMails();
    expect(sent[0]).toMatchObject({ to: 'new@example.org', subject: 'Your account at Daybook' });
    expect((await newBrowser().request(linkIn(sent[0]?.text ?? ''))).status).toBe(200);
  });

  it('of the front desk hand over a recovery link to patients, and to no one of the staff', async () => {
    const { addPerson, callAs, newBrowser } = await startIdentity();
    const desk = await addPerson('front-desk', { email: 'desk@example.org' });
    const root = await addPerson('administrator', { email: 'root@example.org' });
    const ana = await addPerson();
    const [asDesk, asRoot] = [await callAs(desk), await callAs(root)];
    const { status, body } = await asDesk('POST', `/accounts/${ana.id}/recovery-links`);
    expect([status, body]).toMatchObject([201, { delivery: 'by-hand' }]);
    expect((await newBrowser().request((body as { link: string }).link)).text).toContain('Set a new password');
    expect((await asDesk('POST', `/accounts/${root.id}/recovery-links`)).status).toBe(404);
    expect((await asRoot('POST', `/accounts/${desk.id}/recovery-links`)).status).toBe(201);
    expect((await asRoot('POST', `/accounts/${root.id}/recovery-links`)).status).toBe(403);
  });
});
