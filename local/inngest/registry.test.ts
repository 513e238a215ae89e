import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Registry } from "./registry.ts";
import { Database } from "./store/database.ts";
import { Queue } from "./store/queue.ts";

let dir: string;
let db: Database;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "inngest-registry-"));
  db = new Database(dir);
});
afterAll(() => {
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

test("a cron that stays keeps its due time; one with another jitter gets a new one", () => {
  const registry = new Registry(db, new Queue(db));
  const cron = "0 0 1 1 *";
  const planned = (jitter?: string) => {
    const url = "http://127.0.0.1:1/";
    const steps = { step: { runtime: { type: "http", url } } };
    const functions = [{ id: "app-yearly", triggers: [{ cron, jitter }], steps }];
    registry.register({ url, appName: "app", functions });
    return db.one<{ payload: string; due_at: number }>("SELECT payload, due_at FROM queue");
  };
  const first = planned("300d");
  expect(planned("300d")).toEqual(first);
  const second = planned();
  expect(JSON.parse(second?.payload ?? "")).toEqual({ cron });
  expect(second?.due_at).toBe(registry.cronDue({ cron }, Date.now()));
});
