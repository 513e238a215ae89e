import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Database } from "./database.ts";
import { Pauses } from "./pauses.ts";
import { MIGRATIONS } from "./schema.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "inngest-db-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const insert = (db: Database, key: string) =>
  db.run("INSERT INTO rates (key, free_at) VALUES (?, 1)", key);
const keys = (db: Database) =>
  db.all<{ key: string }>("SELECT key FROM rates ORDER BY key").map(({ key }) => key);

test("transactions are committed together, and one that fails is undone alone", async () => {
  const db = new Database(dir);
  const effects: string[] = [];
  let forgotten = 0;
  db.onRollback(() => forgotten++);
  const work = (key: string, fails = false) =>
    db.transaction(() => {
      insert(db, key);
      db.transaction(() => db.afterCommit(() => effects.push(key)));
      if (fails) throw new Error("on purpose");
    });
  work("a");
  expect(() => work("b", true)).toThrow("on purpose");
  work("c");
  expect(effects).toEqual([]);
  expect(forgotten).toBe(1);
  await db.committed();
  expect(effects).toEqual(["a", "c"]);
  expect(keys(db)).toEqual(["a", "c"]);
  // With nothing open there is nothing to wait for.
  db.afterCommit(() => effects.push("now"));
  expect(effects.at(-1)).toBe("now");
  await db.committed();
  db.close();
});

test("its directory is for nobody else", () => {
  const own = join(dir, "own");
  new Database(own).close();
  expect(statSync(own).mode & 0o777).toBe(0o700);
});

test("what was not committed when the process ends is not there, what was is", async () => {
  const db = new Database(dir);
  db.transaction(() => insert(db, "committed"));
  await db.committed();
  db.transaction(() => insert(db, "closed in time"));
  db.close();
  const again = new Database(dir);
  expect(keys(again)).toEqual(["closed in time", "committed"]);
  again.close();
});

test("a second engine on the same directory is refused with the reason; a reader is not", () => {
  const db = new Database(dir, { waitMs: 50 });
  const reader = new DatabaseSync(join(dir, "engine.db"), { readOnly: true });
  expect(reader.prepare("SELECT count(*) AS runs FROM runs").get()).toEqual({ runs: 0 });
  reader.close();
  expect(() => new Database(dir, { waitMs: 50 })).toThrow("is in use");
  db.close();
  new Database(dir).close();
});

test("a file of the first version is brought to this one; one of a later version is refused", () => {
  const old = new DatabaseSync(join(dir, "engine.db"));
  old.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1;
    INSERT INTO queue (id, kind, run_id, step_id, due_at) VALUES ('r:s', 'sleep', 'r', 's', 5);
    INSERT INTO pauses (id, kind, run_id, event, match_path, match_value, created_at)
      VALUES ('r:w', 'wait', 'r', 'go', '["data","n"]', 'x', 5);`);
  old.close();
  const db = new Database(dir);
  expect(db.one("SELECT kind, due_at FROM queue WHERE id = 'r:s'")).toEqual({
    kind: "sleep",
    due_at: 5,
  });
  const woken = new Pauses(db).matching({ name: "go", data: { n: "x" } });
  expect(woken.map(({ id }) => id)).toEqual(["r:w"]);
  db.run("PRAGMA user_version = 99");
  db.close();
  expect(() => new Database(dir)).toThrow("newer engine");
});
