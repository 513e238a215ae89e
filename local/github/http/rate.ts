const HOUR_S = 3600;

export interface Rate {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Seconds since 1970. */
  readonly reset: number;
}

/** GitHub's primary rate limit: so many requests an hour for everybody. Counted anew when the server starts. */
export class Rates {
  readonly limit: number;
  readonly #used = new Map<string, { count: number; reset: number }>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Counts one request. */
  take(login: string): Rate {
    this.#entry(login).count += 1;
    return this.of(login);
  }

  /** Takes the last one back: an answer that says "not modified" costs nothing. */
  giveBack(login: string): Rate {
    this.#entry(login).count -= 1;
    return this.of(login);
  }

  of(login: string): Rate {
    const { count, reset } = this.#entry(login);
    const used = Math.min(count, this.limit);
    return { limit: this.limit, used, remaining: this.limit - used, reset };
  }

  /** Whether more was asked than is allowed. */
  exceeded(login: string): boolean {
    return this.#entry(login).count > this.limit;
  }

  #entry(login: string): { count: number; reset: number } {
    const now = Math.floor(Date.now() / 1000);
    const known = this.#used.get(login);
    if (known && known.reset > now) return known;
    const fresh = { count: 0, reset: now + HOUR_S };
    this.#used.set(login, fresh);
    return fresh;
  }
}

export function rateHeaders({ limit, used, remaining, reset }: Rate): Record<string, string> {
  return {
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-used": String(used),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(reset),
    "x-ratelimit-resource": "core",
  };
}
