import { describe, expect, it } from 'vitest';
import { extra, off, startDoctors } from '../testing.ts';

const hour = (day: number, from: number) => {
  const at = (hour: number) => `2026-03-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00Z`;
  return [at(from), at(from + 1)] as const;
};

describe('the list of exceptions', () => {
  it('is in the order of the starts, whatever the kind', async () => {
    const { register, addException, exceptions } = await startDoctors();
    const { id } = await register();
    const late = await addException(id, off(...hour(9, 9)));
    const early = await addException(id, extra(...hour(3, 9)));
    const same = await addException(id, off(...hour(3, 9)));
    expect((await exceptions(id)).items).toEqual([early, same, late]);
  });

  it('can be of those that start in a range', async () => {
    const { register, addException, exceptions } = await startDoctors();
    const { id } = await register();
    const [a, b, c] = [
      await addException(id, off(...hour(3, 9))),
      await addException(id, off(...hour(4, 9))),
      await addException(id, off(...hour(5, 9))),
    ];
    expect((await exceptions(id, { from: b.start })).items).toEqual([b, c]);
    expect((await exceptions(id, { to: b.start })).items).toEqual([a]);
    expect((await exceptions(id, { from: '2026-03-03T10:00:00+01:00', to: c.start })).items).toEqual([a, b]);
  });

  it('has pages that show everything once, while exceptions are added and removed', async () => {
    const { call, register, addException, exceptions } = await startDoctors();
    const { id } = await register();
    const there: string[] = [];
    // The same start three times, because the page may end between them.
    for (const day of [3, 4, 5]) {
      for (let count = 0; count < 3; count += 1) there.push((await addException(id, off(...hour(day, 12)))).id);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await exceptions(id, { limit: '2', ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map((exception) => exception.id));
      cursor = page.nextCursor;
      const before = await addException(id, off(...hour(2, 9)));
      await addException(id, off(...hour(2, 9)));
      await call('DELETE', `/${id}/exceptions/${before.id}`);
    } while (cursor !== undefined && seen.length < 20);
    expect(seen).toEqual(there);
  });

  it('links to its next page, with the filters', async () => {
    const { call, register, addException, exceptions } = await startDoctors();
    const { id } = await register();
    for (const day of [3, 4]) await addException(id, off(...hour(day, 9)));
    const { nextCursor } = await exceptions(id, { limit: '1', to: '2026-04-01T00:00:00.000Z' });
    const { headers } = await call('GET', `/${id}/exceptions?limit=1&to=2026-04-01T00:00:00.000Z`);
    expect(headers.link).toContain(`/api/v1/doctors/${id}/exceptions?limit=1&to=2026-04-01T00%3A00%3A00.000Z`);
    expect(headers.link).toContain(`cursor=${nextCursor}>; rel="next"`);
  });

  it('refuses what is not a filter', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    for (const query of ['from=today', 'limit=0', 'limit=101', 'cursor=x', 'cursor=WyJhIiwiYiJd', 'kind=time-off']) {
      expect(await call('GET', `/${id}/exceptions?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request' },
      });
    }
  });
});
