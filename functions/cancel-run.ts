import { runCanceled, runCancelRequested } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { cancelAsAsked } from "#lib/runs/life.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Marks the run's rows first, then lets the engine end what it does for it (`cancelOn`). */
export const cancelRunRequest = inngest.createFunction(
  { id: "cancel-run", retries: INBOUND_RETRIES, triggers: [runCancelRequested] },
  async ({ event, step }) => {
    const { projectId, runId, by, reason } = event.data;
    const said = { projectId, runId, by, reason };
    const canceled = await step.run("cancel", () => cancelAsAsked(said));
    if (canceled.outcome !== "canceled") return canceled;
    await step.sendEvent("stop", happened(runCanceled, said));
    return canceled;
  },
);
