import { invoke } from "inngest";
import { effectResolved } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { applyEffect, effectIds, lookAtUnknown } from "#lib/runs/apply.ts";
import { recordStep } from "#lib/runs/record.ts";
import { approvedPhaseData, endsWithRun } from "./phase.ts";

/**
 * Brings about the effects of a granted plan, one after the other. `moved`: what it was made against has changed, and a
 * new plan is needed for what is left.
 */
export const applyPlan = inngest.createFunction(
  // An effect whose call ended badly is looked for again until it is found, over about a day.
  { id: "apply-plan", triggers: [invoke(approvedPhaseData)], cancelOn: endsWithRun(), retries: 15 },
  async ({ event, step }) => {
    const { round, approvalId, ...ids } = event.data;
    const recorder = { ...ids, step, phase: `apply-${round}` };
    const effects = await step.run("list", () => effectIds(approvalId));
    for (const { effectId, stepId } of effects) {
      for (let turn = 1; ; turn++) {
        const id = turn === 1 ? stepId : `${stepId}-${turn}`;
        const inputs = { effectId, approvalId };
        const done = await recordStep(recorder, { id, kind: "effect", inputs }, () =>
          applyEffect(effectId),
        );
        if (done.outcome === "moved") return { outcome: "moved" as const };
        if (done.outcome === "confirmed") break;
        for (let look = 1; ; look++) {
          const seen = await step.run(`unknown-${id}-${look}`, () =>
            lookAtUnknown({ runId: ids.runId, effectId, look }),
          );
          if (!seen.unknown) break;
          await step.waitForEvent(`resolution-${id}-${look}`, {
            event: effectResolved,
            timeout: `${seen.waitSeconds}s`,
            if: `async.data.effectId == "${effectId}"`,
          });
        }
      }
    }
    return { outcome: "applied" as const };
  },
);
