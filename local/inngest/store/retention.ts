import type { Database } from "./database.ts";

/** Runs that one transaction removes, so that a big history does not make a big transaction. */
const BATCH = 1000;

/**
 * Forgets runs that ended before `before` (milliseconds since the epoch), with all that belongs to them; events from before that
 * no kept run needs; and keys that have expired.
 */
export async function prune(db: Database, before: number): Promise<void> {
  const old = "SELECT id FROM runs WHERE ended_at < ? LIMIT ?";
  for (;;) {
    const removed = db.transaction(() => {
      for (const table of ["steps", "batched_events", "metadata"]) {
        db.run(`DELETE FROM ${table} WHERE run_id IN (${old})`, before, BATCH);
      }
      return db.run(`DELETE FROM runs WHERE id IN (${old})`, before, BATCH);
    });
    await db.committed();
    if (removed < BATCH) break;
  }
  db.transaction(() => {
    db.run(
      `DELETE FROM events WHERE received_at < ?
       AND NOT EXISTS (SELECT 1 FROM runs, json_each(runs.events) WHERE json_each.value = events.id)`,
      before,
    );
    db.run("DELETE FROM idempotency WHERE expires_at < ?", Date.now());
    db.run("DELETE FROM rates WHERE free_at < ?", Date.now());
  });
}
