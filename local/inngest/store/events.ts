import type { Database } from "./database.ts";

/** An event as functions see it. `ts` is in milliseconds since the epoch. */
export interface InngestEvent {
  /** The sender's id, or ours when it sent none. */
  readonly id: string;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly ts: number;
  readonly [key: string]: unknown;
}

/** A stored event: `id` is ours and unique, `external_id` is what the sender chose. */
export interface EventRow {
  readonly id: string;
  readonly external_id: string;
  readonly name: string;
  readonly body: string;
  readonly received_at: number;
}

/** The history of events. */
export class Events {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Stores an event under our `id`; false when this id is there already (a repeated request). */
  add(id: string, event: InngestEvent): boolean {
    return (
      this.#db.run(
        "INSERT OR IGNORE INTO events (id, external_id, name, body, received_at) VALUES (?, ?, ?, ?, ?)",
        id,
        event.id,
        event.name,
        JSON.stringify(event),
        Date.now(),
      ) > 0
    );
  }

  get(id: string): InngestEvent | undefined {
    const body = this.json(id);
    return body === undefined ? undefined : (JSON.parse(body) as InngestEvent);
  }

  /** The event as JSON. */
  json(id: string): string | undefined {
    return this.#db.one<{ body: string }>("SELECT body FROM events WHERE id = ?", id)?.body;
  }

  /** The newest events, newest first. */
  latest(count: number): Omit<EventRow, "body">[] {
    return this.#db.all(
      "SELECT id, external_id, name, received_at FROM events ORDER BY id DESC LIMIT ?",
      count,
    );
  }

  /** Our ids of the events with this id, ours or the sender's, oldest first. */
  idsOf(id: string): string[] {
    return this.#db
      .all<{ id: string }>(
        "SELECT id FROM events WHERE id = ? OR external_id = ? ORDER BY id LIMIT 100",
        id,
        id,
      )
      .map((row) => row.id);
  }
}
