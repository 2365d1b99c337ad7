/** Waits so long, no longer. What comes later is nobody's business any more; a late failure is no unhandled one. */
export async function within<Result>(work: Promise<Result>, millis: number, what: string): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${millis} ms`)), millis);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
