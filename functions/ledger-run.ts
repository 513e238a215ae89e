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
 * One implementation run from its start to its end: plan, wait for a person, apply. When what a plan was made against has moved, it is
 * planned and approved anew. Each phase is a function of its own with its own retries.
 */
export const run = inngest.createFunction(
  {
    id: "run",
    triggers: [{ event: runStarted, if: 'event.data.kind == "implementation"' }],
    cancelOn: endsWithRun(),
    // A phase that has used up its own retries is not tried again as a whole.
    retries: 4,
  },
  async ({ event, step, runId: inngestRunId }) => {
    const { projectId, runId } = event.data;
    const begun = await step.run("begin", async () => {
      const row = await beginRun({ runId, inngestRunId });
      return row && { mode: row.mode, attempt: row.attempt };
    });
    if (!begun) return { runId, outcome: "not ours" };

    for (let n = 1; n <= MAX_PLANS; n++) {
      // Rounds of another attempt are other steps: a resumed run plans anew, and its effects know what is done.
      const data = { projectId, runId, inngestRunId, round: `${begun.attempt}-${n}` };
      const plan = await step.invoke(`plan-${n}`, { function: planLedger, data });
      const { approvalId, effects, planArtifactId } = plan;
      if (approvalId !== null) {
        const wait = { ...data, approvalId };
        await step.invoke(`approval-${n}`, { function: awaitApproval, data: wait });
      }
      if (effects.length === 0) return await finish({ planArtifactId });
      const todo = { ...data, effects };
      const done = await step.invoke(`apply-${n}`, { function: applyPlan, data: todo });
      if (done.outcome === "applied") return await finish({ planArtifactId });
    }
    throw new NonRetriableError(`plan_moves: the world moved under ${MAX_PLANS} plans in a row`);

    async function finish(result: Record<string, unknown>) {
      const ours = { runId, inngestRunId };
      if (!(await step.run("succeed", () => succeedRun(ours, result)))) {
        return { runId, outcome: "ended before" };
      }
      await step.sendEvent("announce", happened(runSucceeded, { projectId, runId }));
      return { runId, outcome: "succeeded" };
    }
  },
);
