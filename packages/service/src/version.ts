import manifest from '../package.json' with { type: 'json' };

/** Of all of Daybook; the packages are released together. */
export const VERSION = manifest.version;
