const LONGEST_MS = 60 * 60_000;

/**
 * Milliseconds to wait before the next of several tries: twice as long after each, up to an hour, so that what is down for long
 * does not use up all of them.
 * @param attempt how many tries there were before the one that failed
 */
export function growing(firstMs: number, attempt: number): number {
  return Math.min(firstMs * 2 ** attempt, LONGEST_MS);
}
