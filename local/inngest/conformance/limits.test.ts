import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestBed } from "../test-app.ts";
import { startBed } from "./bed.ts";

const MB = 1024 * 1024;

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

for (const checkpointing of [true, false]) {
  const suffix = checkpointing ? "checkpointed" : "plain";

  test(`an output over 4 MB fails the run (${suffix})`, async () => {
    const fn = bed.client.createFunction(
      { id: `output-${suffix}`, checkpointing, triggers: { event: `output.${suffix}` } },
      async ({ event, step }) => {
        const large = () => "x".repeat(4 * MB);
        return event.data.inStep ? (await step.run("large", large)).length : large();
      },
    );
    await bed.serve(fn);
    for (const inStep of [true, false]) {
      const run = await bed.ended(await bed.send(`output.${suffix}`, { inStep }));
      expect(run).toMatchObject({ status: "Failed", output: { name: "output_too_large" } });
    }
  });
}

test("a state over 32 MB fails the run", async () => {
  let ran = 0;
  const fn = bed.client.createFunction(
    { id: "state", triggers: { event: "state" } },
    async ({ step }) => {
      for (let i = 0; i < 12; i++) {
        await step.run(`large-${i}`, () => {
          ran++;
          return "x".repeat(3.5 * MB);
        });
      }
    },
  );
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("state"));
  expect(run).toMatchObject({ status: "Failed", output: { name: "InngestErrStateOverflowed" } });
  expect(ran).toBe(10);
});

test("more than 1,000 steps fail the run, one after the other or at once", async () => {
  const fn = bed.client.createFunction(
    { id: "steps", checkpointing: { bufferedSteps: 100 }, triggers: { event: "steps" } },
    async ({ event, step }) => {
      if (event.data.atOnce) {
        await Promise.all(Array.from({ length: 1001 }, (_, i) => step.run(`s${i}`, () => i)));
      } else {
        for (let i = 0; i < 1001; i++) await step.run(`s${i}`, () => i);
      }
    },
  );
  await bed.serve(fn);
  for (const atOnce of [true, false]) {
    const run = await bed.ended(await bed.send("steps", { atOnce }));
    expect(run).toMatchObject({
      status: "Failed",
      output: { name: "InngestErrFunctionOverflowed" },
    });
  }
});
