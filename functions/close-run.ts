import * as z from "zod";
import { id } from "#lib/events/catalogue/fields.ts";
import { runCanceled, runFailed, runStarted } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { cancelRun, failRun } from "#lib/runs/life.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** No more than these: what else the event holds may be why it was refused. */
const ids = z.object({ projectId: id, runId: id });

/**
 * Closes our run when the engine's run of it ended without saying so: failed for good, or canceled in the dashboard. One
 * place for all: phases fail through the run that invoked them.
 */
export const closeRun = inngest.createFunction(
  {
    id: "close-run",
    retries: INBOUND_RETRIES,
    triggers: [
      { event: "inngest/function.failed", if: `event.data.event.name == "${runStarted.name}"` },
      { event: "inngest/function.cancelled", if: `event.data.event.name == "${runStarted.name}"` },
    ],
  },
  async ({ event, step }) => {
    const { event: started, run_id: inngestRunId } = event.data;
    const named = ids.safeParse(started.data);
    if (!named.success) return { outcome: "no such run" };
    const { projectId, runId } = named.data;
    if (event.name === "inngest/function.cancelled") {
      const stop = {
        projectId,
        runId,
        by: "inngest",
        reason: "Canceled in the Inngest dashboard.",
      };
      const canceled = await step.run("cancel", () => cancelRun({ ...stop, inngestRunId }));
      if (canceled.outcome === "canceled") {
        await step.sendEvent("announce", happened(runCanceled, stop));
      }
      return canceled;
    }
    const { message } = event.data.error;
    const failed = await step.run("fail", () => failRun({ runId, inngestRunId, error: message }));
    if (failed.outcome === "failed") {
      const { error, remediation, attempt } = failed;
      const data = { projectId, runId, error, remediation };
      await step.sendEvent("announce", happened(runFailed, data, `attempt ${attempt}`));
    }
    return failed;
  },
);
