import { STAFF } from '@daybook/contracts';
import { expect, it } from 'vitest';
import { bareApp } from '../testing.ts';

it('an operation of the API that creates something and declares no roles fails at the start', async () => {
  const { app } = await bareApp();
  expect(() => app.post('/api/v1/things', async () => ({}))).toThrow('POST /api/v1/things declares no roles.');
  expect(() => app.post('/api/v1/cups', { config: { roles: STAFF } }, async () => ({}))).not.toThrow();
});
