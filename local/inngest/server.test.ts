import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBed, type TestBed } from "./test-app.ts";

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
