/** On one machine a registry poll is cheap, and a new instance receives requests within a second. */
export const FETCH_INTERVAL_MILLIS = 1000;
