import type { Clock, Logger } from '@daybook/service';
export async function demoIsUnfinished(_f: string) {
  return false;
}
export async function fillDemo(_f: string, _u: (n: 'patient') => string, _l: Logger, _c: (c: Clock) => void) {}
