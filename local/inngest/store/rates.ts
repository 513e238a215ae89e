import type { Database } from "./database.ts";

/** So many starts in a period, evenly spread, with `burst` more at once. */
export interface Rate {
  readonly limit: number;
  readonly periodMs: number;
  readonly burst: number;
}

/**
 * How often things have started, by key: the generic cell rate algorithm, as production uses it. Of each key only one
 * number is kept: when everything that it has used will be free again (milliseconds since the epoch).
 */
export class Rates {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Uses one start now; false when there is none left. */
  take(key: string, rate: Rate, now: number): boolean {
    const { allowedAt, freeAt } = this.#next(key, rate, now);
    if (allowedAt > now) return false;
    this.#set(key, freeAt);
    return true;
  }

  /** Reserves the next start and answers when it is, in milliseconds since the epoch. */
  reserve(key: string, rate: Rate, now: number): number {
    const { allowedAt, freeAt } = this.#next(key, rate, now);
    this.#set(key, freeAt);
    return Math.max(now, allowedAt);
  }

  #next(key: string, { limit, periodMs, burst }: Rate, now: number) {
    const interval = periodMs / limit;
    const row = this.#db.one<{ free_at: number }>("SELECT free_at FROM rates WHERE key = ?", key);
    const freeAt = Math.max(now, row?.free_at ?? 0) + interval;
    // To the millisecond, as all times: what fractions leave of rounding would refuse a start that is due.
    return { allowedAt: Math.round(freeAt - interval * (burst + 1)), freeAt };
  }

  #set(key: string, freeAt: number): void {
    this.#db.run(
      "INSERT INTO rates (key, free_at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET free_at = excluded.free_at",
      key,
      freeAt,
    );
  }
}
