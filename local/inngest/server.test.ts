import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBed, type TestBed, until } from "./test-app.ts";

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
  await fetch(`${bed.engine.url}/fn/register`, {
    method: "POST",
    body: JSON.stringify({ url: bed.appUrl, appName: "app", functions: [widened] }),
  });
  await until(() => inside.length === 2);
  for (const leave of inside) leave();
  for (const id of ids) expect((await bed.ended(id)).status).toBe("Completed");
});
