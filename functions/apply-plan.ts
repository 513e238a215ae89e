import { invoke } from "inngest";
import { inngest } from "#lib/events/client.ts";
import { applyEffect } from "#lib/runs/apply.ts";
import { recordStep } from "#lib/runs/record.ts";
import { awaitResolution } from "./await-resolution.ts";
import { applyData, endsWithRun, PHASE_CONCURRENCY } from "./phase.ts";

/**
 * Brings about the effects of a granted plan, one after the other. `moved`: what it was made against has changed, and a
 * new plan is needed for what is left.
 */
export const applyPlan = inngest.createFunction(
  // An effect whose call ended badly is looked for again until it is found, over some hours.
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
        // No name has such a sign: the second turn of `db` is not the first one of `db-2`.
        const id = turn === 1 ? stepId : `${stepId}#${turn}`;
        const inputs = { effectId };
        const done = await recordStep(recorder, { id, kind: "effect", inputs }, () =>
          applyEffect(effectId),
        );
        if (done.outcome === "moved") return { outcome: "moved" as const };
        if (done.outcome === "confirmed") break;
        const wait = { ...ids, round, effectId };
        await step.invoke(`resolution-${id}`, { function: awaitResolution, data: wait });
      }
    }
    return { outcome: "applied" as const };
  },
);
