/** When a doctor works, decided for each minute by itself. */
import type { Doctor, Interval } from './state.ts';
import { CELL, DAY, MINUTE } from './units.ts';

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

interface WallTime {
  readonly date: string;
  readonly day: (typeof DAYS)[number] | undefined;
  /** `09:30`; written so, times compare like text. */
  readonly time: string;
  /** Whether clocks showed the same before on this day. */
  readonly repeated: boolean;
}

const wallTimes = new Map<string, WallTime>();

/** What a clock in the zone shows. Looked up for each cell, since no clock change is in the middle of one. */
function wallTime(timeZone: string, cell: number): WallTime {
  const key = `${timeZone} ${cell}`;
  const known = wallTimes.get(key);
  if (known) return known;
  const zoned = Temporal.Instant.fromEpochMilliseconds(cell).toZonedDateTimeISO(timeZone);
  const plain = zoned.toPlainDateTime();
  const wall = {
    date: plain.toPlainDate().toString(),
    day: DAYS[plain.dayOfWeek - 1],
    time: plain.toPlainTime().toString({ smallestUnit: 'minute' }),
    repeated: plain.toZonedDateTime(timeZone, { disambiguation: 'earlier' }).epochMilliseconds !== cell,
  };
  wallTimes.set(key, wall);
  return wall;
}

function worksWeekly({ timeZone, periods }: Doctor, cell: number): boolean {
  const { date, day, time, repeated } = wallTime(timeZone, cell);
  if (repeated) return false;
  const period = periods.findLast(({ validFrom }) => validFrom <= date);
  return period?.hours.some((hours) => hours.day === day && hours.start <= time && time < hours.end) ?? false;
}

function worksDuring(doctor: Doctor, minute: number): boolean {
  const during = doctor.exceptions.filter(({ start, end }) => start <= minute && minute < end);
  if (during.some(({ kind }) => kind === 'time-off')) return false;
  return during.length > 0 || worksWeekly(doctor, Math.floor(minute / CELL) * CELL);
}

/** A doctor never changes; a changed one is another value. */
const known = new WeakMap<Doctor, Map<number, readonly boolean[]>>();

/** For each minute of a day of UTC, whether the doctor works. */
function workingMinutes(doctor: Doctor, day: number): readonly boolean[] {
  const days = known.get(doctor) ?? new Map<number, readonly boolean[]>();
  known.set(doctor, days);
  const minutes =
    days.get(day) ?? Array.from({ length: DAY / MINUTE }, (_, minute) => worksDuring(doctor, day + minute * MINUTE));
  days.set(day, minutes);
  return minutes;
}

/** Both ends on whole minutes. */
export function worksThrough(doctor: Doctor, { start, end }: Interval): boolean {
  for (let minute = start; minute < end; minute += MINUTE) {
    const day = Math.floor(minute / DAY) * DAY;
    if (!workingMinutes(doctor, day)[(minute - day) / MINUTE]) return false;
  }
  return true;
}
