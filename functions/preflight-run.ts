import { invoke } from "inngest";
import { artifactCreated } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { publishPlan } from "#lib/implementation/plan.ts";
import { preflight } from "#lib/implementation/preflight.ts";
import { recordStep } from "#lib/runs/record.ts";
import { PHASE, runData } from "./phase.ts";

/** Whether a change of a repository can be made at all, against which commit, and what the plan is. */
export const preflightRun = inngest.createFunction(
  { ...PHASE, id: "preflight-run", triggers: [invoke(runData)] },
  async ({ event, step }) => {
    const ids = event.data;
    const recorder = { ...ids, step, phase: "preflight" };
    const basis = await recordStep(recorder, { id: "check", kind: "query" }, () => preflight(ids));
    const plan = await recordStep(recorder, { id: "plan", kind: "publish" }, () =>
      publishPlan(ids),
    );
    await step.sendEvent("announce", happened(artifactCreated, plan));
    return { base: basis.base };
  },
);
