import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Database } from "./database.ts";
import { prune } from "./retention.ts";

let dir: string;
let db: Database;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "inngest-db-"));
  db = new Database(dir);
});
afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

const [OLD, LIMIT, NEW] = [100, 500, 1000];

const event = (id: string, at: number) =>
  db.run(
    "INSERT INTO events (id, external_id, name, body, received_at) VALUES (?, ?, 'e', '{}', ?)",
    ...[id, id, at],
  );
const run = (id: string, events: string[], endedAt: number | null) => {
  const [first = "", ...more] = events;
  db.run(
    `INSERT INTO runs (id, function_id, event_id, events, status, slots, created_at, ended_at)
     VALUES (?, 'f', ?, ?, ?, '[]', ?, ?)`,
    ...[
      id,
      first,
      JSON.stringify(events),
      endedAt === null ? "Running" : "Completed",
      OLD,
      endedAt,
    ],
  );
  for (const one of more) {
    db.run("INSERT INTO batched_events (event_id, run_id) VALUES (?, ?)", one, id);
  }
};
const left = (table: "events" | "runs" | "batched_events") =>
  db
    .all<{ id: string }>(
      `SELECT ${table === "batched_events" ? "event_id" : "id"} AS id FROM ${table} ORDER BY id`,
    )
    .map(({ id }) => id);

test("what ended long ago is forgotten with its events; what a run needs that is kept stays, however old", async () => {
  for (const id of ["lonely", "done-1", "done-2", "live-1", "live-2", "late-1"]) event(id, OLD);
  event("fresh", NEW);
  run("done", ["done-1", "done-2"], OLD);
  run("live", ["live-1", "live-2"], null);
  run("late", ["late-1"], NEW);
  await prune(db, LIMIT);
  expect(left("runs")).toEqual(["late", "live"]);
  expect(left("events")).toEqual(["fresh", "late-1", "live-1", "live-2"]);
  expect(left("batched_events")).toEqual(["live-2"]);
});

test("a history of several batches is gone through to its end, also past events that are kept", async () => {
  db.transaction(() => {
    for (let n = 0; n < 2500; n++) event(`event-${n}`, OLD);
    run("live", ["event-999", "event-1000", "event-2499"], null);
    event("fresh", NEW);
  });
  await db.committed();
  await prune(db, LIMIT);
  expect(left("events")).toEqual(["event-1000", "event-2499", "event-999", "fresh"]);
});
