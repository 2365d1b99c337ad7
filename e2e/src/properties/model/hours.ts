/** Decides when a doctor works, for each minute separately. */
import type { Doctor, Interval } from './state.ts';
import { CELL, DAY, MINUTE } from './units.ts';

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

interface WallTime {
  readonly date: string;
  readonly day: (typeof DAYS)[number] | undefined;
  /** `09:30`; in this form, times compare like text. */
  readonly time: string;
  /** Whether clocks showed the same time earlier on this day. */
  readonly repeated: boolean;
}

const wallTimes = new Map<string, WallTime>();

/** Returns the wall-clock time in the zone, cached for each cell, because no clock change is inside of one. */
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

/** Cached by object, because a changed doctor is another object. */
const known = new WeakMap<Doctor, Map<number, readonly boolean[]>>();

/** Returns whether the doctor works, for each minute of a day of UTC. */
function workingMinutes(doctor: Doctor, day: number): readonly boolean[] {
  const days = known.get(doctor) ?? new Map<number, readonly boolean[]>();
  known.set(doctor, days);
  const minutes =
    days.get(day) ?? Array.from({ length: DAY / MINUTE }, (_, minute) => worksDuring(doctor, day + minute * MINUTE));
  days.set(day, minutes);
  return minutes;
}

/** Returns whether the doctor works throughout. Both ends are on whole minutes. */
export function worksThrough(doctor: Doctor, { start, end }: Interval): boolean {
  for (let minute = start; minute < end; minute += MINUTE) {
    const day = Math.floor(minute / DAY) * DAY;
    if (!workingMinutes(doctor, day)[(minute - day) / MINUTE]) return false;
  }
  return true;
}
