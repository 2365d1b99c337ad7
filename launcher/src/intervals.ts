/** On one machine a look into the registry costs nothing, and a new instance gets work within a second. */
export const FETCH_INTERVAL_MILLIS = 1000;
