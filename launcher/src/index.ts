/** Exports for tests and tools that start the system in their own process. */
export { type System, startAllInOne } from './all-in-one.ts';
