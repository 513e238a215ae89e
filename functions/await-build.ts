import { invoke, NonRetriableError } from "inngest";
import { lookAtBuild } from "#lib/deploy/look.ts";
import { deploymentUpdated } from "#lib/events/catalogue/delivery.ts";
import { deploymentReported } from "#lib/events/catalogue/internal.ts";
import { runWaiting } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { BUILD, pauses } from "./pauses.ts";
import { endsWithRun, phaseData } from "./phase.ts";

/**
 * Waits until a deployment is built. A webhook wakes it; each wait is short all the same, so that a lost one only costs time. A
 * build that failed, was canceled or takes too long ends the run.
 */
export const awaitBuild = inngest.createFunction(
  { id: "await-build", retries: 10, triggers: [invoke(phaseData)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { projectId, runId, inngestRunId, round } = event.data;
    const since = await step.run("begin", () => Date.now());
    const pause = pauses(step, deploymentReported, BUILD);
    let told = "";
    for (let look = 1; ; look++) {
      const seen = await step.run(`look-${look}`, () =>
        lookAtBuild({ runId, inngestRunId, since }),
      );
      const { deploymentId, url, status } = seen;
      if (status !== told) {
        told = status;
        const updated = { projectId, runId, deploymentId, status, url };
        await step.sendEvent(`announce-${status}`, happened(deploymentUpdated, updated));
      }
      if (seen.outcome === "ready") return { deploymentId, url };
      if (seen.outcome === "bad") throw new NonRetriableError(seen.error ?? "deployment_failed: ");
      if (look === 1) {
        const reason = "external" as const;
        const waiting = { projectId, runId, reason, waitingFor: deploymentId };
        await step.sendEvent("say-waiting", happened(runWaiting, waiting, round));
      }
      const when = `async.data.deploymentId == "${deploymentId}"`;
      await pause(look, when);
    }
  },
);
