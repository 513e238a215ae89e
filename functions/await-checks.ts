import { invoke } from "inngest";
import { repoChecked } from "#lib/events/catalogue/repos.ts";
import { runWaiting } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { lookAtChecks } from "#lib/implementation/checks.ts";
import { endsWithRun, phaseData } from "./phase.ts";

/**
 * Waits until the checks of a run's pull request are good, and says for which head. A webhook wakes it; each wait is short all the
 * same, so that a lost one only costs time. Checks that fail end the run, and so does the deadline.
 */
export const awaitChecks = inngest.createFunction(
  { id: "await-checks", retries: 10, triggers: [invoke(phaseData)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { projectId, runId, inngestRunId, round } = event.data;
    const since = await step.run("begin", () => Date.now());
    for (let look = 1; ; look++) {
      const seen = await step.run(`look-${look}`, () =>
        lookAtChecks({ runId, inngestRunId, look, since }),
      );
      const { headSha } = seen;
      if (seen.state === "good") return { headSha };
      if (look === 1) {
        const waiting = {
          projectId,
          runId,
          reason: "external" as const,
          waitingFor: seen.effectId,
        };
        await step.sendEvent("say-waiting", happened(runWaiting, waiting, round));
      }
      await step.waitForEvent(`wait-${look}`, {
        event: repoChecked,
        timeout: `${seen.waitSeconds}s`,
        if: `async.data.projectId == "${projectId}" && async.data.commitSha == "${headSha}"`,
      });
    }
  },
);
