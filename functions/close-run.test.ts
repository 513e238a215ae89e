import { InngestTestEngine } from "@inngest/test";
import { inArray, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { runs } from "#db/schema.ts";
import { readRun } from "#lib/data/runs.server.ts";
import { EffectDesk, ENGINE } from "../test/support/effects.ts";
import { closeRun } from "./close-run.ts";
import { sweepRuns } from "./sweep-runs.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

const LONG = "x".repeat(300);

/** What it comes to when the engine has given up the run that this event began. */
async function closed(started: Record<string, unknown>): Promise<unknown> {
  const error = { name: "Error", message: "out: of luck", stack: "" };
  const event = { id: "e", name: "run.started", data: started };
  const data = { function_id: "ledger-run", run_id: ENGINE, error, event };
  const engine = new InngestTestEngine({
    function: closeRun,
    events: [{ name: "inngest/function.failed", data }],
    steps: [{ id: "announce", handler: () => ({ ids: [] }) }],
  });
  const { result, error: thrown } = await engine.execute();
  expect(thrown).toBeUndefined();
  return result;
}

test("a run whose event was refused for what it holds is closed all the same; one without ids is no run", async () => {
  const { projectId, runId } = await desk.run();
  const started = { projectId, runId, kind: "implementation", requestedBy: LONG };
  expect(await closed(started)).toMatchObject({ outcome: "failed" });
  expect(await readRun({ id: runId })).toMatchObject({ status: "failed", error: "out: of luck" });
  expect(await closed({ projectId })).toEqual({ outcome: "no such run" });
});

test("a row that no event can be made of keeps the sweep from nothing else", async () => {
  const [bad, good] = [await desk.run(), await desk.run()];
  const lost = { status: "created" as const, inngestRunId: null };
  const updatedAt = sql`now() - interval '2 minutes'`;
  const requestedBy = sql`case ${runs.id} when ${bad.runId} then ${LONG} else 'ci' end`;
  await db()
    .update(runs)
    .set({ ...lost, requestedBy, updatedAt })
    .where(inArray(runs.id, [bad.runId, good.runId]));
  const engine = new InngestTestEngine({
    function: sweepRuns,
    steps: [{ id: "wake", handler: () => ({ ids: [] }) }],
  });
  const { ctx, result, error } = await engine.execute();
  expect(error).toBeUndefined();
  const [call]: unknown[][] = ctx.step.sendEvent.mock.calls;
  expect(call?.[1]).toMatchObject([{ data: { runId: good.runId } }]);
  expect(result).toMatchObject({ woken: 1, settled: 0, tidied: 0 });
});
