import { expect, it } from 'vitest';
import { localPathOf } from './local-path.ts';

it.each(['/', '/identity/sessions', '/appointments?day=2026-11-23', '/a#b', '/a/../b', '/%2F%2Fevil.example'])(
  'a path to continue at can be %s',
  (path) => expect(localPathOf(path)?.startsWith('/')).toBe(true),
);

it.each([
  undefined,
  '',
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  '\\\\evil.example',
  'javascript:alert(1)',
  'evil.example',
  ' /a',
  '/a\r\nset-cookie: x=y',
  `/${'a'.repeat(2_000)}`,
])('a path to continue at is not %j', (text) => expect(localPathOf(text)).toBeUndefined());

it('a path to continue at stays on this site, as a browser resolves it', () => {
  for (const text of ['/a/..//b', '/./a', '/a?b=//c', '/a#//c', '/%5c%5cb']) {
    const path = localPathOf(text);
    if (path !== undefined) expect(new URL(path, 'https://daybook.example').origin).toBe('https://daybook.example');
  }
});
