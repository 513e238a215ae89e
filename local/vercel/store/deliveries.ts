import type { Database } from "./database.ts";
import { letters } from "./ids.ts";

export interface Delivery {
  readonly id: number;
  readonly guid: string;
  readonly type: string;
  readonly body: string;
  readonly state: "pending" | "delivered" | "failed";
  readonly attempts: number;
  readonly status: number | null;
  readonly said: string | null;
}

/** How many ended deliveries are kept to be looked at, and how many may wait. */
const KEPT = 500;
const MAX_PENDING = 10_000;

/** What the webhook is to be told. */
export class Deliveries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param body of the delivery, which gets an id of its own. */
  enqueue(type: string, body: object): void {
    const guid = letters(24);
    const text = JSON.stringify({
      id: guid,
      type,
      createdAt: Date.now(),
      region: "local",
      ...body,
    });
    this.#db.run(
      `INSERT INTO deliveries (guid, type, body, state)
       SELECT ?, ?, ?, 'pending' WHERE (SELECT count(*) FROM deliveries WHERE state = 'pending') < ${MAX_PENDING}`,
      ...[guid, type, text],
    );
  }

  next(): Delivery | undefined {
    return this.#db.one("SELECT * FROM deliveries WHERE state = 'pending' ORDER BY id LIMIT 1");
  }

  tried(id: number, result: Pick<Delivery, "state" | "status" | "said">): void {
    this.#db.run(
      "UPDATE deliveries SET attempts = attempts + 1, state = ?, status = ?, said = ? WHERE id = ?",
      ...[result.state, result.status, result.said, id],
    );
    this.#db.run("DELETE FROM deliveries WHERE state <> 'pending' AND id <= ?", id - KEPT);
  }

  /** Newest first. */
  all(): Delivery[] {
    return this.#db.all(`SELECT * FROM deliveries ORDER BY id DESC LIMIT ${KEPT}`);
  }
}
