/** Writes an instant as every response and event has it: RFC 3339 in UTC, with three digits of milliseconds. */
export const instantText = (instant: Temporal.Instant): string => instant.toString({ fractionalSecondDigits: 3 });
