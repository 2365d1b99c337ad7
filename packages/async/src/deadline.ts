/** Waits so long, no longer. What comes later is nobody's business any more; a late failure is no unhandled one. */
export async function withDeadline<Result>(work: Promise<Result>, millis: number, what: string): Promise<Result> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`${what}: not within ${millis} ms`)), millis);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
