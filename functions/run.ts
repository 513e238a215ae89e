import { NonRetriableError } from "inngest";
import { runStarted, runSucceeded } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { beginRun, succeedRun } from "#lib/runs/life.ts";
import { applyPlan } from "./apply-plan.ts";
import { awaitApproval } from "./await-approval.ts";
import { endsWithRun } from "./phase.ts";
import { planLedger } from "./plan-ledger.ts";

/** How often a plan is made anew because the world moved under it, before a person has to look. */
const MAX_PLANS = 5;

/**
 * One run from its start to its end: plan, wait for a person, apply. When what a plan was made against has moved, it is
 * planned and approved anew. Each phase is a function of its own with its own retries.
 */
export const run = inngest.createFunction(
  {
    id: "run",
    triggers: [runStarted],
    cancelOn: endsWithRun(),
    // A phase that has used up its own retries is not tried again as a whole.
    retries: 4,
  },
  async ({ event, step, runId: inngestRunId }) => {
    const { projectId, runId } = event.data;
    const begun = await step.run("begin", async () => {
      const row = await beginRun({ runId, inngestRunId });
      return row && { mode: row.mode };
    });
    if (!begun) return { runId, outcome: "not ours" };

    for (let round = 1; round <= MAX_PLANS; round++) {
      const data = { projectId, runId, inngestRunId, round };
      const plan = await step.invoke(`plan-${round}`, { function: planLedger, data });
      if (begun.mode === "plan" || plan.approvalId === null) {
        return await finish(plan);
      }
      const wait = { ...data, approvalId: plan.approvalId };
      await step.invoke(`approval-${round}`, { function: awaitApproval, data: wait });
      const done = await step.invoke(`apply-${round}`, { function: applyPlan, data: wait });
      if (done.outcome === "applied") return await finish(done);
    }
    throw new NonRetriableError(`plan_moves: the world moved under ${MAX_PLANS} plans in a row`);

    async function finish(result: Record<string, unknown>) {
      await step.run("succeed", () => succeedRun(runId, result));
      await step.sendEvent("announce", happened(runSucceeded, { projectId, runId }));
      return { runId, outcome: "succeeded" };
    }
  },
);
