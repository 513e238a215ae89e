import { decide } from "#lib/approvals/decide.ts";
import { stillWaiting } from "#lib/approvals/waiting.ts";
import {
  approvalDenied,
  approvalGranted,
  approvalRevoked,
  approvalSettled,
} from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { originOf } from "#lib/events/origin.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

const KINDS = {
  [approvalGranted.name]: "granted",
  [approvalDenied.name]: "denied",
  [approvalRevoked.name]: "revoked",
} as const;

/**
 * Checks and records a person's decision, and wakes the run. The wake-up is repeated once: sent between the run's look at
 * the row and its wait, the first would be heard by nobody.
 */
export const decideApproval = inngest.createFunction(
  {
    id: "decide-approval",
    retries: INBOUND_RETRIES,
    triggers: [approvalGranted, approvalDenied, approvalRevoked],
  },
  async ({ event, step }) => {
    const { projectId, approvalId, intentHash } = event.data;
    const kind = KINDS[event.name as keyof typeof KINDS];
    const eventId = originOf(event);
    const decided = await step.run("decide", () => decide({ ...event.data, kind, eventId }));
    if (!decided.settled) return decided;
    const settled = { projectId, approvalId, intentHash, ...decided.settled };
    await step.sendEvent("wake", happened(approvalSettled, settled));
    await step.sleep("moment", "1s");
    if (await step.run("look", () => stillWaiting(approvalId))) {
      await step.sendEvent("wake-again", happened(approvalSettled, settled, "again"));
    }
    return decided;
  },
);
