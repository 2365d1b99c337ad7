import { describe, expect, it } from 'vitest';
import { createFlights } from './flights.ts';

/** Answers that come when the test says so. */
function startFlights() {
  const flown: PromiseWithResolvers<number>[] = [];
  const share = createFlights<number>();
  const fly = () => {
    const flight = Promise.withResolvers<number>();
    flown.push(flight);
    return flight.promise;
  };
  return { flown, ask: (key = 'a') => share(key, fly) };
}

describe('those who ask for the same at the same time', () => {
  it('share one answer, which was asked for after all of them had asked', async () => {
    const { flown, ask } = startFlights();
    const first = ask();
    const [second, third] = [ask(), ask()];
    expect(flown).toHaveLength(1);
    flown[0]?.resolve(1);
    expect(await first).toBe(1);
    await expect.poll(() => flown.length).toBe(2);
    flown[1]?.resolve(2);
    expect(await Promise.all([second, third])).toEqual([2, 2]);
    expect(flown).toHaveLength(2);
  });

  it('do not wait for those who ask for something else', async () => {
    const { flown, ask } = startFlights();
    const [first, other] = [ask('a'), ask('b')];
    expect(flown).toHaveLength(2);
    flown[1]?.resolve(2);
    expect(await other).toBe(2);
    flown[0]?.resolve(1);
    expect(await first).toBe(1);
  });

  it('all hear of a failure, and who asks later asks anew', async () => {
    const { flown, ask } = startFlights();
    const first = ask();
    const waiting = [ask(), ask()];
    flown[0]?.reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await expect.poll(() => flown.length).toBe(2);
    flown[1]?.reject(new Error('still down'));
    for (const one of waiting) await expect(one).rejects.toThrow('still down');
    const again = ask();
    flown[2]?.resolve(3);
    expect(await again).toBe(3);
  });
});
