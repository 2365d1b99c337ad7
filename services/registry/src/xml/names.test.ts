import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeName, encodeName } from './names.ts';

it('a name of XML without underscores stays as it is', () => {
  expect(encodeName('management.port')).toBe('management.port');
});

it('writes what XStream writes', () => {
  expect(encodeName('apps_hashcode')).toBe('apps__hashcode');
  expect(encodeName('a$b')).toBe('a_-b');
  expect(encodeName('a b')).toBe('a_.0020b');
});

it('every name becomes one of XML, and comes back', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (name) => {
      expect(encodeName(name)).toMatch(/^[A-Za-z_][A-Za-z0-9_.-]*$/);
      expect(decodeName(encodeName(name))).toBe(name);
    }),
  );
});
