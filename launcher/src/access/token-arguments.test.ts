import { EXIT } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { readTokenArguments } from './token-arguments.ts';

const ID = '019c2f5e-0000-7000-8000-000000000001';

describe('the arguments of npm run token', () => {
  it.each([
    [['administrator'], { role: 'administrator' }],
    [['front-desk'], { role: 'front-desk' }],
    [['patient', ID], { role: 'patient', id: ID }],
    [['doctor', ID], { role: 'doctor', id: ID }],
  ])('%j name a caller', (argv, caller) => {
    expect(readTokenArguments(argv)).toEqual(caller);
  });

  it.each([[[]], [['service']], [['patient']], [['doctor', 'noor']], [['administrator', 'x']], [['patient', ID, 'x']]])(
    '%j are wrong usage: 64, and the right one',
    (argv) => {
      const failure = {
        exitCode: EXIT.usage,
        message: expect.stringMatching(/^Usage: npm run -s token -- ROLE \[ID\]/),
      };
      expect(() => readTokenArguments(argv)).toThrow(expect.objectContaining(failure));
    },
  );
});
