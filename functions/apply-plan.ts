import { invoke } from "inngest";
import { effectResolved } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { applyEffect, lookAtUnknown } from "#lib/runs/apply.ts";
import { recordStep } from "#lib/runs/record.ts";
import { applyData, endsWithRun, PHASE_CONCURRENCY } from "./phase.ts";

/**
 * Brings about the effects of a granted plan, one after the other. `moved`: what it was made against has changed, and a
 * new plan is needed for what is left.
 */
export const applyPlan = inngest.createFunction(
  // An effect whose call ended badly is looked for again until it is found, over about a day.
  {
    id: "apply-plan",
    triggers: [invoke(applyData)],
    cancelOn: endsWithRun(),
    concurrency: PHASE_CONCURRENCY,
    retries: 15,
  },
  async ({ event, step }) => {
    const { round, effects, ...ids } = event.data;
    const recorder = { ...ids, step, phase: `apply-${round}` };
    for (const { effectId, stepId } of effects) {
      for (let turn = 1; ; turn++) {
        const id = turn === 1 ? stepId : `${stepId}-${turn}`;
        const inputs = { effectId };
        const done = await recordStep(recorder, { id, kind: "effect", inputs }, () =>
          applyEffect(effectId),
        );
        if (done.outcome === "moved") return { outcome: "moved" as const };
        if (done.outcome === "confirmed") break;
        // The event that wakes may come before its row is written: looks follow each other quickly after one.
        for (let look = 1, quick = 0; ; look++) {
          const looking = { runId: ids.runId, effectId, look };
          const seen = await step.run(`unknown-${id}-${look}`, () => lookAtUnknown(looking));
          if (!seen.unknown) break;
          const woken = await step.waitForEvent(`resolution-${id}-${look}`, {
            event: effectResolved,
            timeout: quick > 0 ? "1s" : `${seen.waitSeconds}s`,
            if: `async.data.effectId == "${effectId}"`,
          });
          quick = woken ? 4 : quick - 1;
        }
      }
    }
    return { outcome: "applied" as const };
  },
);
