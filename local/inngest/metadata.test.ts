import { afterAll, beforeAll, expect, test } from "vitest";
import { get, startTestBed, type TestBed } from "./test-app.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startTestBed();
});
afterAll(() => bed.close());

test("a run notes metadata, within its limits", async () => {
  const fn = bed.client.createFunction({ id: "noting", triggers: { event: "noting" } }, () => {});
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("noting"));
  const path = `/v1/runs/${run.run_id}/metadata`;
  const metadata = [{ kind: "userland.note", op: "merge", values: { n: 1 } }];
  const target = { run_id: run.run_id };
  expect((await post(path, { target, metadata })).status).toBe(200);
  const { data } = await get<{ data: Record<string, unknown> }>(bed.engine, path);
  expect(data).toEqual([{ target, ...metadata[0] }]);
  expect((await post(path, { target })).status).toBe(400);
  const large = [{ kind: "large", values: { x: "x".repeat(70_000) } }];
  expect((await post(path, { target, metadata: large })).status).toBe(413);
});

async function post(path: string, body: unknown): Promise<{ status: number }> {
  return fetch(bed.engine.url + path, { method: "POST", body: JSON.stringify(body) });
}
