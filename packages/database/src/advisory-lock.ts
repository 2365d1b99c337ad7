/** Ensures that only one process of a service does a job, such as relaying the events of its database. */
export interface AdvisoryLock {
  /**
   * Acquires the lock if it is free. Returns whether this process holds it; call it before each piece of work. The lock
   * is free as soon as the holder's connection ends, so two holders can overlap for a moment.
   */
  tryAcquire(): Promise<boolean>;
  /** Releases the lock. */
  close(): Promise<void>;
}

/** A lock for databases that only one process uses. */
export const uncontendedLock: AdvisoryLock = { tryAcquire: async () => true, close: async () => undefined };
