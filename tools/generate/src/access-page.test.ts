import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessConditions, accessOperations } from '@daybook/contracts';
import { expect, it } from 'vitest';
import { accessPageOf } from './access-page.ts';

const docs = join(import.meta.dirname, '../../../docs');

it('the page of the access table has each operation and each condition, and is up to date', async () => {
  const page = accessPageOf(await readFile(join(docs, 'openapi.json'), 'utf8'));
  for (const id of accessOperations) expect(page).toContain(`\n| \`${id}\` | `);
  for (const [name, meaning] of Object.entries(accessConditions)) expect(page).toContain(`\n| ${name} | ${meaning} |`);
  expect(page).toContain(
    '| `bookAppointment` | `POST /api/v1/appointments` | own (upcoming-limit, no-overbooking) | own | all | all | – | – |',
  );
  expect(page).toContain(
    '| `getPatientEligibility` | `GET /api/v1/patients/{id}/eligibility` | – | – | – | – | all (appointment-service) | – |',
  );
  expect(await readFile(join(docs, 'access.md'), 'utf8')).toBe(page);
});
