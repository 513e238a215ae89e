import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestBed, until } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;
let cancelled: string[];

beforeAll(async () => {
  bed = await startBed();
  cancelled = [];
  const watcher = bed.client.createFunction(
    { id: "watcher", triggers: { event: "inngest/function.cancelled" } },
    async ({ event }) => cancelled.push(String(event.data.run_id)),
  );
  await bed.serve(watcher);
});
afterAll(() => bed.close());

const cancelRun = (id: string) => fetch(`${bed.engine.url}/v1/runs/${id}`, { method: "DELETE" });

for (const state of ["sleep", "wait", "invoke", "step"]) {
  test.concurrent(`cancelOn ends a run in a ${state}`, async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached = false;
    const callee = bed.client.createFunction({ id: `callee-${state}` }, async ({ step }) => {
      await step.sleep("long", "1h");
    });
    const fn = bed.client.createFunction(
      {
        id: `cancel-${state}`,
        triggers: { event: `cancel/${state}` },
        cancelOn: [{ event: `cancel/${state}.stop`, match: "data.n" }],
      },
      async ({ step }) => {
        await step.run("first", () => {
          reached = true;
        });
        if (state === "sleep") await step.sleep("long", "1h");
        if (state === "wait") await step.waitForEvent("long", { event: "never", timeout: "1h" });
        if (state === "invoke") await step.invoke("long", { function: callee });
        if (state === "step") await step.run("long", () => held);
        return "not cancelled";
      },
    );
    await bed.serve(callee, fn);
    const one = await bed.send(`cancel/${state}`, { n: 1 });
    const two = await bed.send(`cancel/${state}`, { n: 2 });
    await until(() => reached);
    await bed.send(`cancel/${state}.stop`, { n: 1 });
    const run = await bed.ended(one);
    expect(run.status).toBe("Cancelled");
    expect((await bed.runs(two))[0]?.status).toBe("Running");
    await until(() => cancelled.includes(run.run_id));
    release();
    // What the cancelled run still answers changes nothing.
    expect((await bed.runs(one))[0]?.status).toBe("Cancelled");
  });
}

test.concurrent.each([
  ["a duration", () => "1s"],
  ["a date", () => new Date(Date.now() + 1000)],
])("cancelOn with a condition and a window that is %s", async (kind, timeout) => {
  const name = `window/${kind}`;
  const fn = bed.client.createFunction(
    {
      id: name,
      triggers: { event: name },
      cancelOn: [{ event: `${name}.stop`, if: "async.data.force == true", timeout: timeout() }],
    },
    async ({ step }) => {
      await step.sleep("nap", "2s");
      return "slept";
    },
  );
  await bed.serve(fn);
  const id = await bed.send(name);
  await bed.send(`${name}.stop`, { force: false });
  const started = Date.now();
  await until(() => Date.now() - started > 1100);
  await bed.send(`${name}.stop`, { force: true });
  expect(await bed.ended(id)).toMatchObject({ status: "Completed", output: "slept" });
});

test.concurrent("DELETE cancels a run; an ended or unknown one stays as it is", async () => {
  const fn = bed.client.createFunction(
    { id: "api", triggers: { event: "api" } },
    async ({ step }) => step.sleep("long", "1h"),
  );
  await bed.serve(fn);
  const id = await bed.send("api");
  const run = await until(async () => (await bed.runs(id))[0]);
  expect((await cancelRun(run.run_id)).status).toBe(204);
  expect((await bed.ended(id)).status).toBe("Cancelled");
  expect((await cancelRun(run.run_id)).status).toBe(204);
  expect((await cancelRun("01UNKNOWN")).status).toBe(404);
});
