import { expect, test } from 'vitest';
import { setStatus } from './set-status.ts';
import { faultsIn, runOnResponse } from './testing.ts';

test('a response of the service gets the status', () => {
  expect(runOnResponse(setStatus, 202, { status: 200 }).status).toBe(202);
});

test('a refusal of the gateway keeps its own', () => {
  expect(runOnResponse(setStatus, 202, { status: 503, isFromService: false }).status).toBe(503);
});

test('a 304 keeps its own', () => {
  expect(runOnResponse(setStatus, 202, { status: 304 }).status).toBe(304);
});

test.each([204, 205, 304, 101, 600])('%i is refused', (status) => {
  expect(faultsIn(setStatus, status)).toHaveLength(1);
});
