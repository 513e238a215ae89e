import type { Database } from "./database.ts";

/** What apps note about their runs, as JSON. */
export class Metadata {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(runId: string, body: string): void {
    this.#db.run("INSERT INTO metadata (run_id, body) VALUES (?, ?)", runId, body);
  }

  /** In the order in which it came. */
  ofRun(runId: string): unknown[] {
    return this.#db
      .all<{ body: string }>("SELECT body FROM metadata WHERE run_id = ? ORDER BY id", runId)
      .map(({ body }) => JSON.parse(body) as unknown);
  }

  /** Bytes that a run has noted. */
  bytes(runId: string): number {
    const row = this.#db.one<{ bytes: number }>(
      "SELECT coalesce(sum(octet_length(body)), 0) AS bytes FROM metadata WHERE run_id = ?",
      runId,
    );
    return row?.bytes ?? 0;
  }
}
