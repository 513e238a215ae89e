import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startTestBed, type TestBed, until } from "./test-app.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

let bed: TestBed;

beforeAll(async () => {
  bed = await startTestBed();
});
afterAll(() => bed.close());

test("a one-step function runs to its end", async () => {
  const fn = bed.client.createFunction(
    { id: "hello", triggers: { event: "hello" } },
    async ({ event, step }) => {
      const name = await step.run("name", () => String(event.data.name).toUpperCase());
      return `hello ${name}`;
    },
  );
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("hello", { name: "ada" }));
  expect(run).toMatchObject({ status: "Completed", function_id: "app-hello", output: "hello ADA" });
});

test("a concurrency limit that was changed counts for runs that wait already", async () => {
  const inside: (() => void)[] = [];
  const fn = bed.client.createFunction(
    { id: "widened", triggers: { event: "widened" }, concurrency: 1 },
    () => new Promise<void>((resolve) => inside.push(resolve)),
  );
  await bed.serve(fn);
  const ids = [await bed.send("widened"), await bed.send("widened")];
  await until(() => inside.length === 1);
  const steps = { step: { runtime: { type: "http", url: bed.appUrl } } };
  const widened = { id: "app-widened", triggers: [{ event: "widened" }], steps, concurrency: 2 };
  await register(widened);
  await until(() => inside.length === 2);
  for (const leave of inside) leave();
  for (const id of ids) expect((await bed.ended(id)).status).toBe("Completed");
});

test("what ended long ago goes while the engine runs, too: once a day", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const forgetful = await startTestBed({ retentionMs: 1 });
  try {
    const fn = forgetful.client.createFunction(
      { id: "old", triggers: { event: "old" } },
      async () => 1,
    );
    await forgetful.serve(fn);
    const id = await forgetful.send("old");
    await forgetful.ended(id);
    await until(async () => {
      vi.advanceTimersByTime(DAY_MS);
      return (await forgetful.runs(id)).length === 0;
    });
  } finally {
    await forgetful.close();
    vi.useRealTimers();
  }
});

test("a time limit that was removed cancels nothing that was started since", async () => {
  const fn = bed.client.createFunction(
    { id: "unlimited", triggers: { event: "unlimited" }, timeouts: { start: "3s" } },
    async ({ step }) => {
      await step.sleep("past the limit", "3s");
      return "ended";
    },
  );
  await bed.serve(fn);
  const sent = await bed.client.send({ name: "unlimited", ts: Date.now() + 2000 });
  const steps = { step: { runtime: { type: "http", url: bed.appUrl } } };
  const unlimited = { id: "app-unlimited", triggers: [{ event: "unlimited" }], steps };
  await register(unlimited);
  expect(await bed.ended(sent.ids[0] ?? "")).toMatchObject({ output: "ended" });
});

/** Registers this function, and no other, as the app's. */
async function register(fn: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify({ url: bed.appUrl, appName: "app", functions: [fn] });
  const response = await fetch(`${bed.engine.url}/fn/register`, { method: "POST", body });
  expect(response.status).toBe(200);
}
