/** Formats many instants of a short range, with one calendar calculation for each day of UTC. */
import { DAY, instantTextOfMillis, MINUTE } from '@daybook/contracts';

const HOUR = 60 * MINUTE;
const twoDigits = (count: number): string => (count < 10 ? `0${count}` : `${count}`);

/** Returns a function that formats an instant as `2026-11-23T14:00:00.000Z`. */
export function createInstantFormatter(): (millis: number) => string {
  const dates = new Map<number, string>();
  return (millis) => {
    const midnight = Math.floor(millis / DAY) * DAY;
    const sinceMidnight = millis - midnight;
    if (sinceMidnight % MINUTE !== 0) return instantTextOfMillis(millis);
    const date = dates.get(midnight) ?? instantTextOfMillis(midnight).replace(/T.*/, '');
    dates.set(midnight, date);
    const hours = Math.floor(sinceMidnight / HOUR);
    return `${date}T${twoDigits(hours)}:${twoDigits((sinceMidnight % HOUR) / MINUTE)}:00.000Z`;
  };
}
