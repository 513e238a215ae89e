import { resolveEffect, unheard } from "#lib/effects/resolve.ts";
import { effectResolved, effectSettled } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { originOf } from "#lib/events/origin.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** After these pauses it is looked whether the run has heard; nobody else would wake it before its own next look. */
const ECHOES = ["1s", "5s", "30s"];

/**
 * Does what a person decided about an effect whose outcome nobody could find out, and wakes the run. The wake-up is
 * repeated: sent between the run's look at the row and its wait, the first would be heard by nobody.
 */
export const resolveUnknownEffect = inngest.createFunction(
  { id: "resolve-effect", retries: INBOUND_RETRIES, triggers: [effectResolved] },
  async ({ event, step }) => {
    const { projectId, effectId } = event.data;
    const eventId = originOf(event);
    const resolved = await step.run("resolve", () => resolveEffect({ ...event.data, eventId }));
    if (!resolved.settled) return resolved;
    const { attempt, ...said } = resolved.settled;
    const settled = { projectId, effectId, ...said };
    await step.sendEvent("wake", happened(effectSettled, settled, `attempt ${attempt}`));
    for (const [n, pause] of ECHOES.entries()) {
      await step.sleep(`moment-${n}`, pause);
      if (!(await step.run(`look-${n}`, () => unheard(effectId)))) break;
      const again = happened(effectSettled, settled, `attempt ${attempt} again ${n}`);
      await step.sendEvent(`wake-again-${n}`, again);
    }
    return resolved;
  },
);
