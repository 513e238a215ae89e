/** Production's schedule, in seconds. */
const SCHEDULE_S = [15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200];
const JITTER = 0.1;
const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
const RECONNECT_MIN_MS = 200;
const RECONNECT_MAX_MS = 2000;

/**
 * Milliseconds until the next attempt.
 * @param attempt how many attempts have failed, the one just now not counted.
 * @param fixedMs a fixed time instead of the schedule.
 */
export function retryDelay(attempt: number, fixedMs: number | undefined): number {
  if (fixedMs !== undefined) return fixedMs;
  const seconds = SCHEDULE_S[Math.min(attempt, SCHEDULE_S.length - 1)] ?? 0;
  return Math.round(seconds * SECOND * (1 - JITTER + 2 * JITTER * Math.random()));
}

/**
 * Milliseconds that a `retry-after` header asks for (seconds, or a date), between 1 s and 24 h;
 * undefined when it says neither.
 */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (!header) return undefined;
  const wait = /^\d+(\.\d+)?$/.test(header) ? Number(header) * SECOND : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(DAY, Math.max(SECOND, Math.ceil(wait)));
}

/** Milliseconds until an app that cannot be reached is tried again. */
export function reconnectDelay(failures: number): number {
  return Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(failures, 10));
}
