import { runCanceled, runFailed } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { cancelJobsOfRun, sandboxesLeftBehind } from "#lib/sandbox/jobs.ts";
import { sandboxProvider } from "#lib/sandbox/provider.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/**
 * Ends what a canceled run still does in sandboxes, whoever canceled it, and what a failed one has left there, also between two
 * jobs. A turn of a model that is made again ends what its earlier tries have left by itself, and so does a verification.
 */
export const stopSandboxes = inngest.createFunction(
  { id: "stop-sandboxes", retries: INBOUND_RETRIES, triggers: [runCanceled, runFailed] },
  async ({ event, step }) => {
    const { runId } = event.data;
    const names =
      event.name === runCanceled.name
        ? await step.run("cancel-jobs", () => cancelJobsOfRun({ runId }))
        : await step.run("find-left", () => sandboxesLeftBehind({ runId }));
    for (const name of names) {
      await step.run(`stop-${name}`, () => sandboxProvider().stop(name));
    }
    return { stopped: names.length };
  },
);
