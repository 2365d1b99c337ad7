/** Returns the time in whole milliseconds. Passed as a parameter, so that tests and the demo can set it. */
export type Clock = () => Temporal.Instant;

export const systemClock: Clock = () =>
  Temporal.Instant.fromEpochMilliseconds(Temporal.Now.instant().epochMilliseconds);
