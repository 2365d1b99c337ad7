/**
 * Waits for `work` for at most `millis`. A later result is ignored, and a later failure is not an unhandled rejection.
 */
export async function withDeadline<Result>(work: Promise<Result>, millis: number, what: string): Promise<Result> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`${what}: not within ${millis} ms`)), millis);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
