/** Tells the time; passed to whatever needs it, so that a test or the demo can set it. Whole milliseconds. */
export type Clock = () => Temporal.Instant;

export const systemClock: Clock = () =>
  Temporal.Instant.fromEpochMilliseconds(Temporal.Now.instant().epochMilliseconds);
