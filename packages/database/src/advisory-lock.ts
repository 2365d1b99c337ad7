/** What only one process of a service does at a time, such as relaying the events of its database. */
export interface AdvisoryLock {
  /**
   * Takes the turn where nobody has it. True while it is this process's: ask before each piece of work. Another may have it
   * as soon as the connection of this process ends, so two can overlap for a moment.
   */
  tryAcquire(): Promise<boolean>;
  /** Gives it back. */
  close(): Promise<void>;
}

/** Where there is only one process to begin with. */
export const uncontendedLock: AdvisoryLock = { tryAcquire: async () => true, close: async () => undefined };
