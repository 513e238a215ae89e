import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBed, type TestBed } from "../test-app.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startTestBed();
});
afterAll(() => bed.close());

/** Serves a debounced function, and one that invokes it and says what came of it. */
async function serveInvoking(id: string): Promise<void> {
  const callee = bed.client.createFunction({ id, debounce: { period: "1s" } }, async () => "ran");
  const caller = bed.client.createFunction(
    { id: `${id}-caller`, triggers: { event: id } },
    ({ step }) => step.invoke("call", { function: callee }).catch(String),
  );
  await bed.serve(callee, caller);
}

test("a debounced invoke that a newer event replaces learns so", async () => {
  await serveInvoking("replaced");
  const first = await bed.send("replaced");
  await bed.waiting("invoke", first);
  const second = await bed.send("replaced");
  expect((await bed.ended(first)).output).toContain("replaced by a newer event");
  expect((await bed.ended(second)).output).toBe("ran");
});

test("what waits for a held function learns that it is no longer there", async () => {
  await serveInvoking("gone");
  const id = await bed.send("gone");
  await bed.waiting("invoke", id);
  const steps = { step: { runtime: { type: "http", url: bed.appUrl } } };
  const functions = [{ id: "app-gone-caller", triggers: [{ event: "gone" }], steps }];
  const response = await fetch(`${bed.engine.url}/fn/register`, {
    method: "POST",
    body: JSON.stringify({ url: bed.appUrl, appName: "app", functions }),
  });
  expect(response.status).toBe(200);
  expect((await bed.ended(id)).output).toContain("app-gone is no longer registered");
});
