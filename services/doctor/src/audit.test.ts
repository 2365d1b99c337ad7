import { expect, it } from 'vitest';
import { off, startDoctors } from './testing.ts';

it('the audit trail of doctors has each change and each refused call, and no reads', async () => {
  const { register, read, addException, callAs, call, audit } = await startDoctors();
  const { id } = await register();
  await read(id);
  const exception = await addException(id, off('2026-03-05T08:00:00Z', '2026-03-05T12:00:00Z'));
  expect(await call('DELETE', `/${id}/exceptions/${exception.id}`)).toMatchObject({ status: 204 });
  const asDesk = callAs({ id: 'desk', role: 'front-desk' });
  expect(await asDesk('PATCH', `/${id}`, { familyName: 'Other' })).toMatchObject({ status: 403 });
  expect(
    (await audit()).map(({ action, operation, callerId, subjectId }) => [action, operation, callerId, subjectId]),
  ).toEqual([
    ['changed', 'registerDoctor', 'administrator', id],
    ['changed', 'addScheduleException', 'administrator', exception.id],
    ['changed', 'removeScheduleException', 'administrator', exception.id],
    ['call-refused', 'changeDoctor', 'desk', id],
  ]);
});

it('the audit trail has changes of the clinic and its closures', async () => {
  const { clinic, audit } = await startDoctors();
  await clinic('PATCH', '', { name: 'The practice' });
  const { body } = await clinic('POST', '/closures', {
    startDate: '2026-12-24',
    endDate: '2026-12-26',
    reason: 'Feast',
  });
  const { id } = body as { id: string };
  await clinic('DELETE', `/closures/${id}`);
  expect((await audit()).map(({ operation, subjectId }) => [operation, subjectId])).toEqual([
    ['changeClinic', undefined],
    ['addClosure', id],
    ['removeClosure', id],
  ]);
});
