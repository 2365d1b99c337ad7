/** For tests and tools that start the system in their own process. */
export { type System, startEverything } from './everything.ts';
