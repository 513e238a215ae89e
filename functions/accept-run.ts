import { runRequested, runStarted } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { originOf } from "#lib/events/origin.ts";
import { acceptRun } from "#lib/runs/accept.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Writes the run that was asked for, then wakes who does it: a lost wake-up is repeated by the sweeper. */
export const acceptRunRequest = inngest.createFunction(
  { id: "accept-run", retries: INBOUND_RETRIES, triggers: [runRequested] },
  async ({ event, step }) => {
    const { projectId, kind, requestedBy } = event.data;
    const eventId = originOf(event);
    const run = await step.run("accept", () => acceptRun({ ...event.data, eventId }));
    if (run.outcome === "created" || run.outcome === "resumed") {
      const { runId, target } = run;
      const data = { projectId, runId, kind, ...(target && { target }), requestedBy };
      await step.sendEvent("start", happened(runStarted, data, `attempt ${run.attempt}`));
    }
    return run;
  },
);
