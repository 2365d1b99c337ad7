/** Formats an instant as in every response and event: RFC 3339 in UTC, with three digits of milliseconds. */
export const instantText = (instant: Temporal.Instant): string => instant.toString({ fractionalSecondDigits: 3 });
