import { runCanceled } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { cancelJobsOfRun } from "#lib/sandbox/jobs.ts";
import { sandboxProvider } from "#lib/sandbox/provider.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Ends what a canceled run still does in sandboxes, whoever canceled it. */
export const stopSandboxes = inngest.createFunction(
  { id: "stop-sandboxes", retries: INBOUND_RETRIES, triggers: [runCanceled] },
  async ({ event, step }) => {
    const { runId } = event.data;
    const names = await step.run("cancel-jobs", () => cancelJobsOfRun({ runId }));
    for (const name of names) {
      await step.run(`stop-${name}`, () => sandboxProvider().stop(name));
    }
    return { stopped: names.length };
  },
);
