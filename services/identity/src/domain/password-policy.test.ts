import { expect, it } from 'vitest';
import { passwordFaultOf } from './password-policy.ts';

const faultOf = (password: string) => passwordFaultOf(password, ['ana.silva@example.org', 'Ana Silva']);

it.each([
  'violet teapot over the harbour',
  'søt æble under håret',
  '長い合言葉をここに書いておきます。春夏秋冬',
  'kD9$wq!Zr2#vPx7',
])('a password can be %s', (password) => expect(faultOf(password)).toBeUndefined());

it.each([
  ['too-short', 'violet teapot', 'short'],
  ['too-long', 'x1Y!'.repeat(65), 'long'],
  ['easily-guessed', 'aaaaaaaaaaaaaaaa', 'one character'],
  ['easily-guessed', 'passwordpassword', 'a word that is tried first'],
  ['easily-guessed', 'daybookpassword1', 'two of them'],
  ['easily-guessed', '1234567890123456', 'a sequence'],
  ['easily-guessed', 'abcdefghijklmnopqrst', 'the alphabet'],
  ['easily-guessed', 'qwertyuiopasdfghjkl', 'the keyboard'],
  ['easily-guessed', 'ana.silva@example.org', 'the e-mail address'],
  ['easily-guessed', 'silvasilvaexample1', 'the name'],
])('a password is %s: %s (%s)', (fault, password) => expect(faultOf(password)).toBe(fault));

it('the length of a password counts letters, not bytes', () => {
  expect(faultOf('ééèèààùùôôîîçç')).toBe('too-short');
  expect(faultOf('ééèèààùùôôîîççx')).toBeUndefined();
});
