import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';
import { defaultUrl } from './config.ts';

test('a folder is enough', () => {
  expect(parseArguments(['some/folder'])).toEqual({ folder: 'some/folder', url: undefined });
});

test('an address may be named, on either side of the folder', () => {
  const expected = { folder: 'f', url: 'https://clinic.example' };
  expect(parseArguments(['f', '--url', 'https://clinic.example/'])).toEqual(expected);
  expect(parseArguments(['--url=https://clinic.example', 'f'])).toEqual(expected);
});

test.each([
  [[]],
  [['']],
  [['a', 'b']],
  [['a', '--url']],
  [['a', '--url', 'clinic']],
  [['a', '--url', 'file:///etc']],
  [['a', '--fast']],
])('%j is wrong usage, reported in one line', (argv) => {
  expect(() => parseArguments(argv)).toThrow(
    expect.objectContaining({
      exitCode: 64,
      message: expect.stringMatching(/^[^\n]*Usage: npm run import -- FOLDER .*$/),
    }),
  );
});

test.each([
  [{}, 'http://127.0.0.1:8080'],
  [{ DAYBOOK_HOST: '', DAYBOOK_PORT: '' }, 'http://127.0.0.1:8080'],
  [{ DAYBOOK_HOST: 'clinic.example', DAYBOOK_PORT: '80' }, 'http://clinic.example:80'],
  [{ DAYBOOK_HOST: '::1' }, 'http://[::1]:8080'],
])('the variables %o name %s', (environment, url) => {
  expect(defaultUrl(environment)).toBe(url);
});

test('variables that make no address are reported', () => {
  expect(() => defaultUrl({ DAYBOOK_PORT: 'eighty' })).toThrow(expect.objectContaining({ exitCode: 78 }));
});
