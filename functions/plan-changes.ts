import { invoke } from "inngest";
import { approvalRequested } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { ledgerWishes } from "#lib/ledger/wishes.ts";
import { planRun } from "#lib/runs/plan.ts";
import { recordStep } from "#lib/runs/record.ts";
import { endsWithRun, PHASE_CONCURRENCY, phaseData } from "./phase.ts";

/** What the run would create in the ledger, planned and put before a person. */
export const planLedger = inngest.createFunction(
  {
    id: "plan-ledger",
    retries: 10,
    triggers: [invoke(phaseData)],
    cancelOn: endsWithRun(),
    concurrency: PHASE_CONCURRENCY,
  },
  async ({ event, step }) => {
    const { round, ...ids } = event.data;
    const recorder = { ...ids, step, phase: `plan-${round}` };
    const wishes = await recordStep(recorder, { id: "read", kind: "query" }, () =>
      ledgerWishes(ids.runId),
    );
    const plan = await recordStep(recorder, { id: "plan", kind: "plan" }, () =>
      planRun({ runId: ids.runId, stepId: "ledger", wishes }),
    );
    if (plan.request) await step.sendEvent("ask", happened(approvalRequested, plan.request));
    const { approvalId, effects, planArtifactId } = plan;
    return { approvalId, effects, planArtifactId };
  },
);
