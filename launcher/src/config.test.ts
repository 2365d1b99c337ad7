import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidConfiguration } from '@daybook/service';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isDemoWanted, withDemoChoice } from './config.ts';

const REACHED_BY_OTHERS = [
  ['another address', { DAYBOOK_HOST: '0.0.0.0' }],
  ['another public address', { DAYBOOK_PUBLIC_URL: 'https://clinic.example' }],
  ['a trusted proxy', { DAYBOOK_TRUSTED_PROXIES: '127.0.0.1' }],
] as const;

describe('the demo', () => {
  it('is wanted on this machine, unless it is off', () => {
    expect([
      isDemoWanted({}, {}),
      isDemoWanted({ DAYBOOK_DEMO: 'on' }, {}),
      isDemoWanted({ DAYBOOK_DEMO: 'off' }, {}),
    ]).toEqual([true, true, false]);
  });

  it.each(REACHED_BY_OTHERS)('is off at %s, and ends the start when it is demanded', (_what, environment) => {
    expect(isDemoWanted({}, environment)).toBe(false);
    expect(() => isDemoWanted({ DAYBOOK_DEMO: 'on' }, environment)).toThrow(InvalidConfiguration);
  });

  it('is off where a file has the public address', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daybook-config-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'url');
    await writeFile(file, 'https://clinic.example\n');
    expect(isDemoWanted({}, { DAYBOOK_PUBLIC_URL_FILE: file })).toBe(false);
  });

  it('is stated to identity instead of what the shell has', () => {
    const shell = { DAYBOOK_DEMO_FILE: '/run/demo', LOG_LEVEL: 'warn' };
    expect(withDemoChoice(shell, false)).toEqual({ DAYBOOK_DEMO: 'off', DAYBOOK_DEMO_FILE: '', LOG_LEVEL: 'warn' });
    expect(withDemoChoice({ DAYBOOK_DEMO: 'off' }, true)).toMatchObject({ DAYBOOK_DEMO: 'on' });
  });
});
