import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestBed, until } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

type Config = Omit<Parameters<TestBed["client"]["createFunction"]>[0], "id" | "triggers">;

/** Serves a function triggered by its own id; answers what its runs received, and when they started. */
async function serveNoting(id: string, config: Config) {
  const seen: { readonly data: unknown[]; readonly at: number }[] = [];
  const fn = bed.client.createFunction(
    { id, triggers: { event: id }, ...config },
    async ({ events }) => {
      seen.push({ data: events.map((event) => event.data.n), at: Date.now() });
      return seen.length;
    },
  );
  await bed.serve(fn);
  return seen;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Sends `name` once for each item of `list`, in one request. */
async function sendAll(name: string, list: readonly Record<string, unknown>[]): Promise<string[]> {
  const { ids } = await bed.client.send(list.map((data) => ({ name, data })));
  return ids;
}

test.concurrent("debounce runs once, with the last event, a period after it", async () => {
  const seen = await serveNoting("debounced", {
    debounce: { period: "1s", key: "event.data.user" },
  });
  const began = Date.now();
  await sendAll("debounced", [...numbers(3).map((n) => ({ n, user: "a" })), { n: 9, user: "b" }]);
  await until(() => seen.length === 2);
  expect(seen.map(({ data }) => data).sort()).toEqual([[2], [9]]);
  expect(Math.min(...seen.map(({ at }) => at)) - began).toBeGreaterThanOrEqual(990);
});

test.concurrent("a debounce that is renewed again and again runs at its timeout", async () => {
  const seen = await serveNoting("renewed", { debounce: { period: "1s", timeout: "2s" } });
  const began = Date.now();
  let n = 0;
  await until(async () => {
    await bed.send("renewed", { n: n++ });
    return seen.length > 0;
  });
  const waited = (seen[0]?.at ?? 0) - began;
  expect(waited).toBeGreaterThanOrEqual(1900);
});

test.concurrent("throttle starts runs one after the other, spread over the period", async () => {
  const seen = await serveNoting("throttled", {
    throttle: { limit: 4, period: "1s", key: "event.data.user" },
  });
  const began = Date.now();
  await sendAll("throttled", [...numbers(4).map((n) => ({ n, user: "a" })), { n: 10, user: "b" }]);
  await until(() => seen.length === 5);
  const ofA = seen.filter(({ data }) => data[0] !== 10);
  expect(ofA.map(({ data }) => data[0]).sort()).toEqual(numbers(4));
  // The first at once, the others a quarter of the period apart. A busy machine only makes it later.
  expect(Math.max(...ofA.map(({ at }) => at)) - began).toBeGreaterThanOrEqual(740);
});

test.concurrent("an event of a time to come starts its function then, and wakes at once", async () => {
  const seen = await serveNoting("scheduled", {});
  const waiting = bed.client.createFunction(
    { id: "scheduled-waiting", triggers: { event: "scheduled.wait" } },
    async ({ step }) => {
      await step.waitForEvent("it", { event: "scheduled", timeout: "1h" });
      return Date.now();
    },
  );
  await bed.serve(waiting);
  const waiter = await bed.send("scheduled.wait");
  await bed.waiting("wait", waiter);
  const ts = Date.now() + 5000;
  await bed.client.send({ name: "scheduled", data: {}, ts });
  expect((await bed.ended(waiter)).output).toBeLessThan(ts);
  await until(() => seen.length === 1);
  expect(seen[0]?.at).toBeGreaterThanOrEqual(ts);
});

test.concurrent("rateLimit skips what is over the limit, and tells an invoke so", async () => {
  const seen = await serveNoting("limited", {
    rateLimit: { limit: 1, period: "1h", key: "event.data.user" },
  });
  const ids = await sendAll("limited", [
    { n: 1, user: "a" },
    { n: 2, user: "a" },
    { n: 3, user: "b" },
  ]);
  await bed.ended(ids[0] ?? "");
  await bed.ended(ids[2] ?? "");
  expect(await bed.runs(ids[1] ?? "")).toEqual([]);
  expect(seen.map(({ data }) => data[0]).sort()).toEqual([1, 3]);

  const callee = bed.client.createFunction(
    { id: "limited-callee", rateLimit: { limit: 1, period: "1h" } },
    async () => "ran",
  );
  const caller = bed.client.createFunction(
    { id: "limited-caller", triggers: { event: "limited.call" } },
    async ({ step }) => {
      const first = await step.invoke("first", { function: callee });
      return [first, await step.invoke("second", { function: callee }).catch(String)];
    },
  );
  await bed.serve(callee, caller);
  const run = await bed.ended(await bed.send("limited.call"));
  expect(run.output).toEqual(["ran", expect.stringContaining("rate limited")]);
});

test.concurrent("batchEvents gathers events until the batch is full or its time is over", async () => {
  const seen = await serveNoting("batched", {
    batchEvents: { maxSize: 3, timeout: "1s", key: "event.data.user", if: "event.data.n < 100" },
  });
  const ids = await sendAll("batched", [
    ...numbers(4).map((n) => ({ n, user: "a" })),
    { n: 50, user: "b" },
    { n: 100, user: "a" },
  ]);
  await until(() => seen.length === 4);
  const batches = seen.map(({ data }) => data);
  expect(batches).toContainEqual([0, 1, 2]);
  expect(batches).toContainEqual([3]);
  expect(batches).toContainEqual([50]);
  // Not for the batch: it runs by itself.
  expect(batches).toContainEqual([100]);
  const [first] = await bed.runs(ids[0] ?? "");
  // Each event of a batch leads to its run.
  expect((await bed.runs(ids[1] ?? ""))[0]?.run_id).toBe(first?.run_id);
});

test.concurrent("a singleton skips, or cancels the run before", async () => {
  for (const mode of ["skip", "cancel"] as const) {
    const id = `singleton-${mode}`;
    const fn = bed.client.createFunction(
      { id, triggers: { event: id }, singleton: { mode, key: "event.data.user" } },
      async ({ step }) => {
        await step.waitForEvent("go", { event: `${id}.go`, timeout: "1h" });
        return "ended";
      },
    );
    await bed.serve(fn);
    const one = await bed.send(id, { user: "a" });
    const two = await bed.send(id, { user: "a" });
    const other = await bed.send(id, { user: "b" });
    const [kept, dropped] = mode === "skip" ? [one, two] : [two, one];
    const alive = async (eventId: string) => (await bed.runs(eventId))[0]?.status;
    expect(await alive(dropped)).toBe(mode === "skip" ? undefined : "Cancelled");
    expect(await alive(kept)).toBe("Running");
    await until(async () => {
      await bed.send(`${id}.go`);
      return (await alive(kept)) === "Completed" && (await alive(other)) === "Completed";
    });
    // It is free again.
    const again = await bed.send(id, { user: "a" });
    expect(await alive(again)).toBe("Running");
  }
});

test.concurrent("priority lets a run go before others that wait for room", async () => {
  const order: number[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const fn = bed.client.createFunction(
    {
      id: "prioritised",
      triggers: { event: "prioritised" },
      concurrency: 1,
      priority: { run: "event.data.priority" },
    },
    async ({ event }) => {
      order.push(event.data.priority);
      if (order.length === 1) await held;
    },
  );
  await bed.serve(fn);
  await bed.send("prioritised", { priority: 0 });
  await until(() => order.length === 1);
  const ids = await sendAll(
    "prioritised",
    [1, -100, 100, 2].map((priority) => ({ priority })),
  );
  // All wait before the first one ends: the engine starts what is due at once.
  await bed.send("unrelated");
  release();
  for (const id of ids) await bed.ended(id);
  expect(order).toEqual([0, 100, 2, 1, -100]);
});

test.concurrent("timeouts cancel what does not start, or does not finish, in time", async () => {
  const fn = bed.client.createFunction(
    { id: "late-finish", triggers: { event: "late-finish" }, timeouts: { finish: "1s" } },
    async ({ step }) => step.sleep("long", "1h"),
  );
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let started = 0;
  const narrow = bed.client.createFunction(
    {
      id: "late-start",
      triggers: { event: "late-start" },
      concurrency: 1,
      timeouts: { start: "1s" },
    },
    async () => {
      started++;
      await held;
      return "in time";
    },
  );
  await bed.serve(fn, narrow);
  const finish = await bed.send("late-finish");
  const first = await bed.send("late-start");
  await until(() => started === 1);
  const second = await bed.send("late-start");
  expect((await bed.ended(second)).status).toBe("Cancelled");
  expect((await bed.ended(finish)).status).toBe("Cancelled");
  release();
  expect(await bed.ended(first)).toMatchObject({ status: "Completed", output: "in time" });
  expect(started).toBe(1);
});

test.concurrent("what production refuses is refused at registration, by name", async () => {
  const refused: [Config, string][] = [
    [{ debounce: { period: "0s" } }, "debounce.period: has to be between 1s and 7d"],
    [{ batchEvents: { maxSize: 101, timeout: "5s" } }, "batchEvents.maxSize"],
    [{ rateLimit: { limit: 1, period: "48h" } }, "rateLimit.period"],
    [{ throttle: { limit: 1, period: "soon" as "1s" } }, "throttle.period: not a duration"],
    [{ singleton: { mode: "skip", key: "event.data.n ==" } }, "singleton.key"],
    [
      { batchEvents: { maxSize: 2, timeout: "5s" }, priority: { run: "1" } },
      "batchEvents and priority",
    ],
  ];
  for (const [config, reason] of refused) {
    const url = `${bed.engine.url}/api/inngest`;
    const steps = { step: { runtime: { type: "http", url } } };
    const fn = { id: "refused", triggers: [{ event: "refused" }], steps, ...config };
    const response = await fetch(`${bed.engine.url}/fn/register`, {
      method: "POST",
      body: JSON.stringify({ url, appName: "other", functions: [fn] }),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(reason);
  }
});
