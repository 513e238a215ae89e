import { invoke } from "inngest";
import { effectSettled } from "#lib/events/catalogue/approvals.ts";
import { runWaiting } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { lookAtUnknown } from "#lib/runs/apply.ts";
import { PEOPLE, pauses } from "./pauses.ts";
import { endsWithRun, MAX_LOOKS, resolutionData } from "./phase.ts";

/**
 * Waits until a person has said what became of an effect that nobody could find. The row is what counts: it is read
 * before the first wait and after each, so that an event which came too early only costs time.
 */
export const awaitResolution = inngest.createFunction(
  { id: "await-resolution", triggers: [invoke(resolutionData)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { projectId, runId, inngestRunId, effectId } = event.data;
    const ours = { runId, inngestRunId, effectId };
    const pause = pauses(step, effectSettled, PEOPLE);
    for (let look = 1; ; look++) {
      const seen = await step.run(`look-${look}`, () => lookAtUnknown(ours));
      // Whoever invoked this looks again, and comes back when it is still unknown: a run of the engine has 1,000 steps.
      if (!seen.unknown || look >= MAX_LOOKS) return { effectId };
      if (look === 1) {
        const waiting = { projectId, runId, reason: "external" as const, waitingFor: effectId };
        // Each sending that nobody knows the outcome of is waited for, and said.
        const occasion = `${event.data.round} ${seen.attempt}`;
        await step.sendEvent("say-waiting", happened(runWaiting, waiting, occasion));
      }
      const when = `async.data.effectId == "${effectId}"`;
      await pause(look, when);
    }
  },
);
