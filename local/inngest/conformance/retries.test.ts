import { NonRetriableError, RetryAfterError } from "inngest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestBed, until } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

test.concurrent("a step that always fails is tried five times, then throws in the function", async () => {
  const attempts: number[] = [];
  const fn = bed.client.createFunction(
    { id: "caught", triggers: { event: "caught" } },
    async ({ step, attempt }) => {
      try {
        await step.run("fail", () => {
          attempts.push(attempt);
          throw new TypeError("always");
        });
      } catch (error) {
        return step.run("recover", () => `recovered from ${(error as Error).message}`);
      }
      return "not reached";
    },
  );
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("caught"));
  expect(run).toMatchObject({ status: "Completed", output: "recovered from always" });
  expect(attempts).toEqual([0, 1, 2, 3, 4]);
});

test.concurrent("attempts are counted per step", async () => {
  const attempts: string[] = [];
  const fn = bed.client.createFunction(
    { id: "per-step", retries: 2, triggers: { event: "per.step" } },
    async ({ step, attempt }) => {
      for (const name of ["one", "two"]) {
        await step.run(name, () => {
          attempts.push(`${name} ${attempt}`);
          if (attempt < 2) throw new Error("again");
        });
      }
    },
  );
  await bed.serve(fn);
  expect(await bed.ended(await bed.send("per.step"))).toMatchObject({ status: "Completed" });
  expect(attempts).toEqual(["one 0", "one 1", "one 2", "two 0", "two 1", "two 2"]);
});

test.concurrent("a function without retries fails at once, with its error", async () => {
  let calls = 0;
  const fn = bed.client.createFunction(
    { id: "single", retries: 0, triggers: { event: "single" } },
    async () => {
      calls++;
      throw new RangeError("outside of steps");
    },
  );
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("single"));
  expect(run).toMatchObject({
    status: "Failed",
    output: { name: "RangeError", message: "outside of steps" },
  });
  expect(calls).toBe(1);
});

test.concurrent("an error outside of steps is retried without running finished steps again", async () => {
  let steps = 0;
  let calls = 0;
  const fn = bed.client.createFunction(
    { id: "outside", retries: 3, triggers: { event: "outside" } },
    async ({ step }) => {
      await step.run("one", () => ++steps);
      if (++calls < 4) throw new Error("again");
      return "done";
    },
  );
  await bed.serve(fn);
  expect(await bed.ended(await bed.send("outside"))).toMatchObject({
    status: "Completed",
    output: "done",
  });
  expect(steps).toBe(1);
});

test.concurrent("NonRetriableError ends at once, in a step and outside of one", async () => {
  let calls = 0;
  const fn = bed.client.createFunction(
    { id: "final", triggers: { event: "final" } },
    async ({ step, event }) => {
      const fail = () => {
        calls++;
        throw new NonRetriableError("never again");
      };
      if (event.data.inStep) await step.run("fail", fail);
      else fail();
    },
  );
  await bed.serve(fn);
  for (const inStep of [true, false]) {
    const run = await bed.ended(await bed.send("final", { inStep }));
    expect(run).toMatchObject({ status: "Failed", output: { message: "never again" } });
  }
  expect(calls).toBe(2);
});

test.concurrent("RetryAfterError sets the time of the next attempt", async () => {
  const times: number[] = [];
  const fn = bed.client.createFunction(
    { id: "after", triggers: { event: "after" } },
    async ({ step }) =>
      step.run("wait", () => {
        times.push(Date.now());
        if (times.length < 2) throw new RetryAfterError("later", "1s");
        return "done";
      }),
  );
  await bed.serve(fn);
  expect(await bed.ended(await bed.send("after"))).toMatchObject({ status: "Completed" });
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test.concurrent("onFailure gets the event and the error, and the internal events are sent", async () => {
  const failures: unknown[] = [];
  const ends: string[] = [];
  const fn = bed.client.createFunction(
    {
      id: "failing",
      retries: 1,
      triggers: { event: "failing" },
      onFailure: async ({ error, event, step }) => {
        await step.run("note", () => {
          failures.push([error.message, event.data.event.data, event.data.function_id]);
        });
      },
    },
    async ({ step }) => step.run("fail", () => Promise.reject(new Error("no luck"))),
  );
  const watcher = bed.client.createFunction(
    {
      id: "watcher",
      triggers: {
        event: "inngest/function.finished",
        if: `event.data.function_id == '${bed.client.id}-failing'`,
      },
    },
    async ({ event }) => ends.push(String(event.data.run_id)),
  );
  await bed.serve(fn, watcher);
  const run = await bed.ended(await bed.send("failing", { n: 1 }));
  expect(run).toMatchObject({ status: "Failed", output: { message: "no luck" } });
  await until(() => failures.length > 0 && ends.length > 0);
  expect(failures).toEqual([["no luck", { n: 1 }, `${bed.client.id}-failing`]]);
  expect(ends).toEqual([run.run_id]);
});
