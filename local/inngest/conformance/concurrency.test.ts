import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestBed, until } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

/** Counts how many executions are inside at the same time, by key. Each stays until another one comes, or for a while. */
function gauge() {
  const inside = new Map<string, number>();
  const most = new Map<string, number>();
  return {
    most,
    async pass(key: string) {
      const now = (inside.get(key) ?? 0) + 1;
      inside.set(key, now);
      most.set(key, Math.max(most.get(key) ?? 0, now));
      const until = Date.now() + 300;
      while (inside.get(key) === 1 && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
      inside.set(key, (inside.get(key) ?? 1) - 1);
    },
  };
}

test.concurrent("concurrency is limited per key", async () => {
  const { most, pass } = gauge();
  const fn = bed.client.createFunction(
    {
      id: "keyed",
      triggers: { event: "keyed" },
      concurrency: [{ limit: 2, key: "event.data.user" }, { limit: 3 }],
    },
    async ({ event, step }) => {
      await step.run("one", () => pass(event.data.user));
      await step.run("two", () => pass("all"));
    },
  );
  await bed.serve(fn);
  const { ids } = await bed.client.send(
    Array.from({ length: 12 }, (_, i) => ({ name: "keyed", data: { user: i % 3 ? "a" : "b" } })),
  );
  for (const id of ids) expect((await bed.ended(id)).status).toBe("Completed");
  expect(most.get("a")).toBe(2);
  expect(most.get("b")).toBeLessThanOrEqual(2);
  expect(most.get("all")).toBeLessThanOrEqual(3);
});

test.concurrent("scope env counts over functions", async () => {
  const { most, pass } = gauge();
  const concurrency = { limit: 1, key: '"shared"', scope: "env" as const };
  const fns = ["x", "y"].map((id) =>
    bed.client.createFunction({ id, triggers: { event: "scoped" }, concurrency }, () =>
      pass("all"),
    ),
  );
  await bed.serve(...fns);
  const { ids } = await bed.client.send([{ name: "scoped" }, { name: "scoped" }]);
  for (const id of ids) {
    await until(async () => {
      const runs = await bed.runs(id);
      return runs.length === 2 && runs.every((run) => run.status === "Completed");
    });
  }
  expect(most.get("all")).toBe(1);
});

test.concurrent("a sleeping run leaves room for others", async () => {
  const fn = bed.client.createFunction(
    { id: "narrow", triggers: { event: "narrow" }, concurrency: 1 },
    async ({ event, step }) => {
      if (event.data.sleep) await step.sleep("long", "1h");
      return "done";
    },
  );
  await bed.serve(fn);
  await bed.send("narrow", { sleep: true });
  expect((await bed.ended(await bed.send("narrow"))).status).toBe("Completed");
});

test.concurrent("an event id starts a function once, an idempotency key too", async () => {
  const fn = bed.client.createFunction({ id: "once", triggers: { event: "once" } }, async () => 1);
  const keyed = bed.client.createFunction(
    { id: "once-per-order", triggers: { event: "order" }, idempotency: "event.data.order" },
    async () => 1,
  );
  await bed.serve(fn, keyed);
  const eventId = randomUUID();
  const first = await bed.send("once", {}, eventId);
  await bed.send("once", {}, eventId);
  await bed.ended(first);
  expect(await bed.runs(eventId)).toHaveLength(1);

  const orders = [await bed.send("order", { order: 1 }), await bed.send("order", { order: 1 })];
  const other = await bed.send("order", { order: 2 });
  await bed.ended(orders[0] ?? "");
  expect(await bed.runs(orders[1] ?? "")).toEqual([]);
  expect(await bed.runs(other)).toHaveLength(1);
});

test.concurrent("a cron starts a run at each of its times", async () => {
  const seconds = new Set<number>();
  const fn = bed.client.createFunction(
    { id: "cron", triggers: { cron: "* * * * * *" } },
    async ({ event }) => {
      expect(event.name).toBe("inngest/scheduled.timer");
      seconds.add(Math.floor((event.ts ?? 0) / 1000));
    },
  );
  await bed.serve(fn);
  await until(() => seconds.size >= 2);
});
