import type { GetStepTools } from "inngest";
import { runSucceeded } from "#lib/events/catalogue/runs.ts";
import type { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { succeedRun } from "#lib/runs/life.ts";

/** Ends a run well and says so: the last two steps of every kind of run. `result` holds ids, never documents. */
export async function finishRun(
  step: GetStepTools<typeof inngest>,
  run: { projectId: string; runId: string; inngestRunId: string },
  result: Record<string, unknown>,
): Promise<{ runId: string; outcome: "succeeded" | "ended before" }> {
  const { projectId, runId } = run;
  const ended = await step.run("succeed", () => succeedRun(run, result));
  if (!ended) return { runId, outcome: "ended before" };
  await step.sendEvent("announce", happened(runSucceeded, { projectId, runId }));
  return { runId, outcome: "succeeded" };
}
