/**
 * Waits for `work` for at most `millis`. A later result is ignored, and a later failure is not an unhandled rejection.
 * @param failure describes the work in the message of the error, or returns the error
 */
export async function withDeadline<Result>(
  work: Promise<Result>,
  millis: number,
  failure: string | (() => Error),
): Promise<Result> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(typeof failure === 'string' ? new Error(`${failure}: not within ${millis} ms`) : failure());
  }, millis);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for `work` for at most `millis`. Returns whether it has succeeded or failed by then. Never rejects. */
export async function settlesWithin(work: Promise<unknown>, millis: number): Promise<boolean> {
  const outcome = Promise.withResolvers<boolean>();
  const timer = setTimeout(outcome.resolve, millis, false);
  const settle = () => outcome.resolve(true);
  work.then(settle, settle);
  try {
    return await outcome.promise;
  } finally {
    clearTimeout(timer);
  }
}
