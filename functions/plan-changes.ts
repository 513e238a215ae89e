import { invoke } from "inngest";
import { approvalRequested } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { planRun } from "#lib/runs/plan.ts";
import { recordStep } from "#lib/runs/record.ts";
import { wishesOf } from "#lib/runs/wishes.ts";
import { PHASE, planData } from "./phase.ts";

/** What one part of a run would change outside, planned and put before a person. */
export const planChanges = inngest.createFunction(
  { ...PHASE, id: "plan-changes", triggers: [invoke(planData)] },
  async ({ event, step }) => {
    const { round, part, headSha, ...ids } = event.data;
    const recorder = { ...ids, step, phase: `plan-${round}` };
    const { runId } = ids;
    const wishes = await recordStep(recorder, { id: "read", kind: "query" }, () =>
      wishesOf(part, { runId, headSha }),
    );
    const plan = await recordStep(recorder, { id: "plan", kind: "plan" }, () =>
      planRun({ runId, stepId: part, wishes }),
    );
    if (plan.request) await step.sendEvent("ask", happened(approvalRequested, plan.request));
    const { approvalId, effects, planArtifactId } = plan;
    return { approvalId, effects, planArtifactId };
  },
);
