import type { Database } from "./database.ts";

/** What must not start a function a second time, each for a while. */
export class IdempotencyKeys {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Whether a key is taken now. */
  has(key: string): boolean {
    return (
      this.#db.one(
        "SELECT 1 FROM idempotency WHERE key = ? AND expires_at > ?",
        key,
        Date.now(),
      ) !== undefined
    );
  }

  /** Takes a key until `expiresAt`, in milliseconds since the epoch. */
  take(key: string, eventId: string, expiresAt: number): void {
    this.#db.run(
      "INSERT OR REPLACE INTO idempotency (key, run_id, expires_at) VALUES (?, ?, ?)",
      key,
      eventId,
      expiresAt,
    );
  }
}
