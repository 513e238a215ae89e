import { invoke } from "inngest";
import { granted, lookAtApproval } from "#lib/approvals/look.ts";
import { approvalSettled } from "#lib/events/catalogue/approvals.ts";
import { runWaiting } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { PEOPLE, pauses } from "./pauses.ts";
import { approvalData, endsWithRun } from "./phase.ts";

/**
 * Waits until a plan is decided, and ends well only when it is granted. The row is what counts: it is read before the
 * first wait and after each, and each wait is short, so that an event which came too early only costs time.
 */
export const awaitApproval = inngest.createFunction(
  { id: "await-approval", triggers: [invoke(approvalData)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { projectId, runId, inngestRunId, approvalId } = event.data;
    const pause = pauses(step, approvalSettled, PEOPLE);
    for (let look = 1; ; look++) {
      const seen = await step.run(`look-${look}`, () =>
        lookAtApproval({ runId, inngestRunId, approvalId }),
      );
      if (seen.status === "expired") {
        // Nobody has said so who would tell of it, as whoever decides does.
        const { intentHash } = seen;
        const settled = { projectId, runId, approvalId, intentHash, outcome: "expired" as const };
        await step.sendEvent("say-expired", happened(approvalSettled, settled));
      }
      if (seen.status !== "pending") return await step.run("check", () => granted(approvalId));
      if (look === 1) {
        const waiting = { projectId, runId, reason: "approval" as const, waitingFor: approvalId };
        await step.sendEvent("say-waiting", happened(runWaiting, waiting, event.data.round));
      }
      const when = `async.data.approvalId == "${approvalId}"`;
      await pause(look, when, seen.secondsLeft);
    }
  },
);
