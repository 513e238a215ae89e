/** What a check has found: it holds, it does not, or there is nothing that it could be held against. */
export type Outcome = "ok" | "failed" | "absent";

export interface Check {
  readonly check: string;
  readonly outcome: Outcome;
  /** Which file, entry, approval or effect, and what about it. */
  readonly reason: string;
}

/** How long after the look at the clock that allowed it something may be written down, in ms: writers wait for each other. */
export const WRITING_MS = 60_000;

/** Collects what is wrong, so that a check names the first and counts the rest. */
export class Findings {
  readonly #wrong: string[] = [];
  readonly #unknown: string[] = [];

  wrong(what: string): void {
    this.#wrong.push(what);
  }

  unknown(what: string): void {
    this.#unknown.push(what);
  }

  /** `fine` is what to say when nothing was found. What is wrong counts more than what cannot be known. */
  as(check: string, fine: string): Check {
    const wrong = told(this.#wrong);
    if (wrong) return { check, outcome: "failed", reason: wrong };
    const unknown = told(this.#unknown);
    if (unknown) return { check, outcome: "absent", reason: unknown };
    return { check, outcome: "ok", reason: fine };
  }
}

function told([first, ...more]: readonly string[]): string | null {
  if (first === undefined) return null;
  return more.length === 0 ? first : `${first} (and ${more.length} more)`;
}
