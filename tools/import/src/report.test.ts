import { expect, test } from 'vitest';
import { Counts, type Outcome } from './counts.ts';
import { formatReport } from './report.ts';

function tallyOf(...outcomes: Outcome[]): Counts {
  const tally = new Counts();
  for (const outcome of outcomes) tally.add(outcome);
  return tally;
}

const NEW: Outcome = { kind: 'new' };
const refused = (code: string): Outcome => ({ kind: 'refused', detail: 'A rule.', code });

test('the table shows every outcome, refusals by code with the most frequent first', () => {
  const report = {
    doctors: tallyOf(NEW, { kind: 'known' }),
    patients: tallyOf({ kind: 'bad', reason: 'BIRTHDATE is empty' }),
    appointments: tallyOf(NEW, refused('slot-taken'), refused('patient-busy'), refused('slot-taken')),
  };
  expect(formatReport(report).split('\n')).toEqual([
    '                rows  new  already there  refused  bad rows',
    'doctors            2    1              1        0         0',
    'patients           1    0              0        0         1',
    'appointments       4    1              0        3         0',
    '  slot-taken                                    2',
    '  patient-busy                                  1',
  ]);
});
