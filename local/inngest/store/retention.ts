import type { Database } from "./database.ts";

/** Rows that one transaction looks at, so that a big history does not make a big transaction. */
const BATCH = 1000;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Forgets now, and once a day from then on, what is older than `retentionMs`.
 * @param onError is told when a later time fails; the next one tries again.
 * @returns what ends it, and resolves when nothing of it is under way.
 */
export async function pruneDaily(
  db: Database,
  retentionMs: number,
  onError: (error: unknown) => void,
): Promise<() => Promise<void>> {
  const once = () => prune(db, Date.now() - retentionMs);
  await once();
  let last = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(once).catch(onError);
  }, DAY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return last;
  };
}

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
  await pruneEvents(db, before);
  db.transaction(() => {
    db.run("DELETE FROM idempotency WHERE expires_at < ?", Date.now());
    db.run("DELETE FROM rates WHERE free_at < ?", Date.now());
  });
}

/** In the order in which they came. A run's events are its first one and, of a batch, those that lead to it. */
async function pruneEvents(db: Database, before: number): Promise<void> {
  const next = `SELECT max(rowid) AS last, min(received_at) AS oldest FROM
    (SELECT rowid, received_at FROM events WHERE rowid > ? ORDER BY rowid LIMIT ?)`;
  for (let after = 0; ; ) {
    const batch = db.one<{ last: number | null; oldest: number }>(next, after, BATCH);
    // None is left, or only such as came since.
    if (!batch || batch.last === null || batch.oldest >= before) return;
    const { last } = batch;
    db.transaction(() =>
      db.run(
        `DELETE FROM events WHERE rowid > ? AND rowid <= ? AND received_at < ?
         AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id)
         AND NOT EXISTS (SELECT 1 FROM batched_events WHERE batched_events.event_id = events.id)`,
        ...[after, last, before],
      ),
    );
    await db.committed();
    after = last;
  }
}
