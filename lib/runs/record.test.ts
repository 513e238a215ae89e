import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { db } from "#db/client.ts";
import { projects, runs } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { listSteps } from "../data/run-steps.server.ts";
import { fact } from "../implementation/work.ts";
import { cancelRun } from "./life.ts";
import { type Recorder, recordStep } from "./record.ts";

const projectId = "p";
let database: TestDatabase;
let blobs: string;
let made = 0;

beforeAll(async () => {
  database = await testDatabase();
  blobs = await mkdtemp(join(tmpdir(), "countersign-steps-"));
  process.env.BLOB_DIR = blobs;
  await db().insert(projects).values({ id: projectId, ownerUserId: "o", name: "p", slug: "p" });
});
afterAll(async () => {
  delete process.env.BLOB_DIR;
  await rm(blobs, { recursive: true, force: true });
  await database.close();
});

/** A run that an engine works on, and a step runner that does what it is told: what the engine remembers is its affair. */
async function recorder(inngestRunId = "engine"): Promise<Recorder> {
  const runId = `run-${++made}`;
  const row = { id: runId, projectId, kind: "research" as const, status: "running" as const };
  await db()
    .insert(runs)
    .values({ ...row, inngestRunId: "engine", input: {}, requestedBy: "ci" });
  const run = ((_: unknown, body: () => Promise<unknown>) => body()) as Recorder["step"]["run"];
  return { step: { run }, projectId, runId, inngestRunId, phase: "write" };
}

const step = { id: "one", kind: "model", inputs: { q: "why" } };

test("a step that has succeeded is not run again, whatever the engine remembers", async () => {
  const to = await recorder();
  let runs = 0;
  const body = async () => ({ n: ++runs });
  expect(await recordStep(to, step, body)).toEqual({ n: 1 });
  expect(await recordStep(to, step, body)).toEqual({ n: 1 });
  const [row] = await listSteps(to);
  expect(row).toMatchObject({
    ...{ stepId: "write/one", stepName: "one", kind: "model", status: "succeeded", attempt: 1 },
    ...{ inputs: { q: "why" }, outputs: { n: 1 }, error: null },
  });
});

test("a step that fails says why, and is tried again", async () => {
  const to = await recorder();
  const failing = recordStep(to, step, async () => {
    throw new Error("postgres://u:pw@host/db is down");
  });
  await expect(failing).rejects.toThrow("is down");
  const [failed] = await listSteps(to);
  expect(failed).toMatchObject({ status: "failed", attempt: 1 });
  expect(failed?.error).not.toContain("pw");
  expect(await recordStep(to, step, async () => "done")).toBe("done");
  expect(await listSteps(to)).toMatchObject([{ status: "succeeded", attempt: 2, error: null }]);
});

test("of two tries at once, what the first to succeed came to is that of both, also when the other fails", async () => {
  const to = await recorder();
  const late = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const overtaken = recordStep(to, step, () => {
    begun.resolve();
    return late.promise;
  });
  await begun.promise;
  expect(await recordStep(to, step, async () => "first")).toBe("first");
  late.reject(new Error("its work was taken away"));
  expect(await overtaken).toBe("first");
  expect(await listSteps(to)).toMatchObject([{ status: "succeeded", outputs: "first" }]);
});

test("two statements a step", async () => {
  const to = await recorder();
  let statements = 0;
  const count = () => statements++;
  db().$client.on("acquire", count);
  for (let i = 0; i < 10; i++) {
    await recordStep(to, { id: `${i}`, kind: "model" }, async () => ({ i }));
  }
  db().$client.off("acquire", count);
  expect(statements).toBe(20);
});

test("a run that has ended, or that another works on, does nothing more", async () => {
  const stranger = await recorder("another");
  const ended = await recorder();
  await cancelRun({ projectId, runId: ended.runId, by: "o", reason: "enough" });
  for (const to of [stranger, ended]) {
    let ran = false;
    const refused = recordStep(to, step, async () => {
      ran = true;
    });
    await expect(refused).rejects.toMatchObject({ code: "run_not_ours" });
    expect(ran).toBe(false);
    expect(await listSteps(to)).toEqual([]);
  }
});

test("an output above 64 KB is kept as a blob, and read back", async () => {
  const to = await recorder();
  const large = { text: "x".repeat(70_000) };
  await recordStep(to, step, async () => large);
  const [row] = await listSteps(to);
  expect(row).toMatchObject({ outputs: null, outputRef: expect.stringContaining(to.runId) });
  const again = recordStep(to, step, async () => {
    throw new Error("must not run");
  });
  expect(await again).toEqual(large);
  const kept = z.object({ text: z.string() });
  expect(await fact(to.runId, "write/one", kept)).toEqual(large);
});

test.each([10, 70_000])(
  "a second try that ends after the first has the first one's output, of %i bytes",
  async (bytes) => {
    const to = await recorder();
    const output = (by: string) => ({ by, text: by.repeat(bytes) });
    const second = await recordStep(to, step, async () => {
      // Sent again while it still works, and done before it.
      expect(await recordStep(to, step, async () => output("1"))).toEqual(output("1"));
      return output("2");
    });
    expect(second).toEqual(output("1"));
    expect(await recordStep(to, step, async () => output("3"))).toEqual(output("1"));
  },
);
