import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Scheduler } from "./scheduler.ts";
import { Database } from "./store/database.ts";
import { Queue } from "./store/queue.ts";

/** Far more often than these tests can need: a loop without end fails instead of hanging. */
const MAX_LOOKS = 1000;

let dir: string;
let db: Database;
let queue: Queue;
let scheduler: Scheduler;
/** Item -> its limits by key. */
let limits: Record<string, Record<string, number>>;
let looks: number;
let started: string[];
let ends: Map<string, () => void>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "inngest-scheduler-"));
  db = new Database(dir);
  queue = new Queue(db);
  [limits, looks, started, ends] = [{}, 0, [], new Map()];
  scheduler = new Scheduler(queue, {
    room({ id }) {
      if (++looks > MAX_LOOKS) throw new Error("the scheduler goes round in a circle");
      const slots = Object.entries(limits[id] ?? {}).map(([key, limit]) => ({ key, limit }));
      return { slots, aheadMs: 0 };
    },
    run({ id }) {
      started.push(id);
      return new Promise((resolve) => ends.set(id, resolve));
    },
    idle() {},
  });
  scheduler.start();
});
afterEach(() => {
  scheduler.stop();
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Until the commit, and what the scheduler does after it, are over. */
async function settled(): Promise<void> {
  for (let n = 0; n < 4; n++) await turn();
}

async function add(id: string, under: Record<string, number>): Promise<void> {
  limits[id] = under;
  db.transaction(() => queue.add({ id, kind: "call", due_at: Date.now() - 1 }));
  await settled();
}

async function end(id: string): Promise<void> {
  queue.remove(id);
  ends.get(id)?.();
  await settled();
}

test("two limits under one key: each waits until the key is below its own", async () => {
  await add("wide-1", { key: 2 });
  await add("wide-2", { key: 2 });
  await add("narrow", { key: 1 });
  await add("wide-3", { key: 2 });
  expect(started).toEqual(["wide-1", "wide-2"]);
  await end("wide-1");
  expect(started).toEqual(["wide-1", "wide-2", "wide-3"]);
  await end("wide-2");
  expect(started).toHaveLength(3);
  await end("wide-3");
  expect(started.at(-1)).toBe("narrow");
  await end("narrow");
});

test("a call that ends looks at as many that wait as it makes room for, not at all of them", async () => {
  await add("first", { key: 1 });
  const waiting = Array.from({ length: 50 }, (_, n) => `waiting-${n}`);
  for (const id of waiting) await add(id, { key: 1 });
  looks = 0;
  await end("first");
  expect(started).toEqual(["first", "waiting-0"]);
  expect(looks).toBe(1);
});

test("limits that were changed count for what waits, too", async () => {
  for (const id of ["a", "b", "c", "d"]) await add(id, { key: 1 });
  expect(started).toEqual(["a"]);
  for (const id of ["b", "c", "d"]) limits[id] = { key: 3 };
  scheduler.reconsider();
  await settled();
  expect(started).toEqual(["a", "b", "c"]);
  limits.d = { key: 1 };
  scheduler.reconsider();
  await end("a");
  await end("b");
  expect(started).toEqual(["a", "b", "c"]);
  await end("c");
  expect(started).toEqual(["a", "b", "c", "d"]);
});
