import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestBed } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

/** Serves a function that waits for `<id>/go` and answers the data of what came, or `timeout`. */
async function serveWaiter(
  id: string,
  options: { if?: string; match?: string; timeout?: string },
): Promise<void> {
  const fn = bed.client.createFunction(
    { id, triggers: { event: `${id}/start` } },
    async ({ step }) => {
      const event = await step.waitForEvent("go", {
        event: `${id}/go`,
        timeout: "1h",
        ...options,
      } as { event: string; timeout: string });
      return event ? event.data : "timeout";
    },
  );
  await bed.serve(fn);
}

test.concurrent("a wait gets the event that comes after it, and none that came before", async () => {
  await serveWaiter("plain", {});
  await bed.send("plain/go", { early: true });
  const id = await bed.send("plain/start");
  await bed.waiting("wait", id);
  await bed.send("plain/go", { early: false });
  await bed.send("plain/go", { late: true });
  expect(await bed.ended(id)).toMatchObject({ status: "Completed", output: { early: false } });
});

test.concurrent("match wakes only the run whose own event has the same value", async () => {
  await serveWaiter("match", { match: "data.n" });
  const one = await bed.send("match/start", { n: "1" });
  const two = await bed.send("match/start", { n: "2" });
  await bed.waiting("wait", one, two);
  await bed.send("match/go", { n: "2" });
  expect(await bed.ended(two)).toMatchObject({ output: { n: "2" } });
  expect((await bed.runs(one))[0]?.status).toBe("Running");
  await bed.send("match/go", { n: "1" });
  expect(await bed.ended(one)).toMatchObject({ output: { n: "1" } });
});

test.concurrent("an expression compares both events", async () => {
  await serveWaiter("if", { if: "async.data.n > event.data.least && async.data.name != 'bob'" });
  const id = await bed.send("if/start", { least: 4.5 });
  await bed.waiting("wait", id);
  await bed.send("if/go", { n: 4 });
  await bed.send("if/go", { n: "five" });
  await bed.send("if/go", { n: 5, name: "bob" });
  await bed.send("if/go", { n: 6 });
  expect(await bed.ended(id)).toMatchObject({ output: { n: 6 } });
});

test.concurrent("one event wakes every run that waits for it", async () => {
  await serveWaiter("all", {});
  const ids = [await bed.send("all/start"), await bed.send("all/start")];
  await bed.waiting("wait", ...ids);
  await bed.send("all/go", { n: 1 });
  for (const id of ids) expect(await bed.ended(id)).toMatchObject({ output: { n: 1 } });
});

test.concurrent("a wait that times out is null", async () => {
  await serveWaiter("late", { timeout: "1s" });
  expect(await bed.ended(await bed.send("late/start"))).toMatchObject({ output: "timeout" });
});

test.concurrent("an event with the id of an earlier one still wakes", async () => {
  await serveWaiter("repeat", {});
  const sameId = randomUUID();
  await bed.send("repeat/go", { n: 1 }, sameId);
  const id = await bed.send("repeat/start");
  await bed.waiting("wait", id);
  await bed.send("repeat/go", { n: 2 }, sameId);
  expect(await bed.ended(id)).toMatchObject({ output: { n: 2 } });
});

test.concurrent("an invalid expression fails the run with its reason", async () => {
  await serveWaiter("broken", { if: "async.data.n ==" });
  const run = await bed.ended(await bed.send("broken/start"));
  expect(run.status).toBe("Failed");
  expect(JSON.stringify(run.output)).toContain("not a valid expression");
});

test.concurrent("invoke gives the result or the error of the other function", async () => {
  const callee = bed.client.createFunction(
    { id: "callee", retries: 0 },
    async ({ event, step }) => {
      const { n } = event.data as { n: number };
      if (n < 0) throw new RangeError("negative");
      return step.run("double", () => n * 2);
    },
  );
  const caller = bed.client.createFunction(
    { id: "caller", triggers: { event: "caller" } },
    async ({ step }) => {
      const good = await step.invoke("good", { function: callee, data: { n: 21 } });
      const bad = await step
        .invoke("bad", { function: callee, data: { n: -1 } })
        .catch((error: Error) => `${error.name}: ${error.message}`);
      return [good, bad];
    },
  );
  await bed.serve(callee, caller);
  const run = await bed.ended(await bed.send("caller"));
  expect(run).toMatchObject({
    status: "Completed",
    output: [42, expect.stringContaining("negative")],
  });
});

test.concurrent("invoke times out, and fails on a function that does not exist", async () => {
  const slow = bed.client.createFunction({ id: "slow" }, async ({ step }) => {
    await step.sleep("long", "1h");
  });
  const gone = bed.client.createFunction({ id: "gone" }, async () => {});
  const caller = bed.client.createFunction(
    { id: "impatient", triggers: { event: "impatient" } },
    async ({ step }) => {
      const name = (error: Error) => (error.cause as Error | undefined)?.name ?? error.message;
      return Promise.all([
        step.invoke("slow", { function: slow, timeout: "1s" }).catch(name),
        step.invoke("gone", { function: gone }).catch(name),
      ]);
    },
  );
  await bed.serve(slow, caller);
  const run = await bed.ended(await bed.send("impatient"));
  expect(run.status).toBe("Completed");
  expect(run.output).toEqual([
    expect.stringMatching(/InngestInvokeTimeoutError|Timed out waiting/),
    expect.stringContaining("could not find function"),
  ]);
});
