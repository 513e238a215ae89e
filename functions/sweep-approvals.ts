import { cron } from "inngest";
import { sweepSettled } from "#lib/approvals/sweep.ts";
import { approvalSettled } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";

/** Ends approvals whose time is over, and wakes runs again that did not hear that theirs is settled. */
export const sweepApprovals = inngest.createFunction(
  { id: "sweep-approvals", triggers: [cron("* * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    const settled = await step.run("settle", () => sweepSettled({ limit: 100 }));
    const wakes = eventOfEach(settled, ({ occasion, ...data }) =>
      happened(approvalSettled, data, occasion),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    return { woken: wakes.length };
  },
);
