import { describe, expect, it } from 'vitest';
import { newAccount, startIdentity } from '../../testing.ts';
import { en } from './en.ts';
import { findWords, languages, wordsAccepted } from './words.ts';

describe('the words of a browser', () => {
  it.each([
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['pt-BR', 'pt'],
    ['fi, sv;q=0.9, ar;q=0.5, en;q=0.4', 'ar'],
    ['en;q=0.1, fr;q=0.8', 'fr'],
    ['es;q=0, fi', 'en'],
    ['*', 'en'],
    ['', 'en'],
    [undefined, 'en'],
    [';;q=;,=,', 'en'],
  ])('for %s are in %s', (header, language) => {
    expect(wordsAccepted(header).language).toBe(language);
  });
});

it.each(languages.filter((language) => language !== 'en'))(
  '%s has its own words, and keeps what is inserted',
  (language) => {
    const words = findWords(language) ?? expect.fail('there are no words');
    const same = Object.entries(en).filter(
      ([key, text]) =>
        typeof text === 'string' && text.length > 12 && Object.entries(words).some(([k, t]) => k === key && t === text),
    );
    expect(same).toEqual([]);
    expect(words.mailInvitation('Ana', 'LINK')).toMatch(/Ana[\s\S]*LINK/);
    expect(words.mailRecovery('Ana', 'LINK')).toMatch(/Ana[\s\S]*LINK/);
    expect(words.mailEmergency('Ana', 'LINK')).toMatch(/Ana[\s\S]*LINK/);
    expect(words.tooManyAttempts(61)).toContain('2');
    expect(words.confirmDetail('Portal', 'Ana')).toMatch(/Portal[\s\S]*Ana/);
  },
);

describe('a page', () => {
  it('is in the language of the browser before a sign-in, and of the account after it', async () => {
    const { newBrowser, addPerson, signIn } = await startIdentity();
    const german = { headers: { 'accept-language': 'de' } };
    const browser = newBrowser();
    const page = await browser.request('/identity/sign-in', german);
    expect(page.text).toContain('<html lang="de" dir="ltr">');
    expect(page.text).toContain('<h1>Anmelden</h1>');
    const ana = await addPerson('patient', newAccount({ locale: 'pt-BR' }));
    await signIn(browser, ana);
    expect((await browser.request('/identity/sessions', german)).text).toContain('Onde tem sessão iniciada');
  });

  it('in Arabic runs from right to left', async () => {
    const { newBrowser } = await startIdentity();
    const { text } = await newBrowser().request('/identity/sign-in', { headers: { 'accept-language': 'ar-EG' } });
    expect(text).toContain('<html lang="ar" dir="rtl">');
  });
});
