import manifest from '../package.json' with { type: 'json' };

/** The version of all of Daybook, because its packages are released together. */
export const VERSION = manifest.version;
