/**
 * Gives `work` at most `ms` milliseconds and rejects when they are over. The signal is aborted then; work that does not
 * listen to it goes on unheard.
 */
export async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    abort.abort();
    late.reject(new Error(`no answer within ${ms} ms`));
  }, ms);
  try {
    return await Promise.race([work(abort.signal), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
