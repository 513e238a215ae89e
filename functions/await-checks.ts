import { invoke, referenceFunction } from "inngest";
import * as z from "zod";
import { repoChecked } from "#lib/events/catalogue/repos.ts";
import { runWaiting } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { lookAtChecks } from "#lib/implementation/checks.ts";
import { CHECKS, pauses } from "./pauses.ts";
import { endsWithRun, longWaitData, MAX_LOOKS } from "./phase.ts";

const ended = z.object({ headSha: z.string() });

/**
 * Waits until the checks of a run's pull request are good, and says for which head. A webhook wakes it; each wait is short all the
 * same, so that a lost one only costs time; however many come, the wait goes on. Checks that fail end the run, and so does the deadline.
 */
export const awaitChecks = inngest.createFunction(
  { id: "await-checks", retries: 10, triggers: [invoke(longWaitData)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { projectId, runId, inngestRunId, round, look: first = 1 } = event.data;
    const since = event.data.since ?? (await step.run("begin", () => Date.now()));
    const next = first + MAX_LOOKS;
    const pause = pauses(step, repoChecked, CHECKS);
    for (let look = first; look < next; look++) {
      const seen = await step.run(`look-${look}`, () =>
        lookAtChecks({ runId, inngestRunId, since }),
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
      const when = `async.data.projectId == "${projectId}" && async.data.commitSha == "${headSha}"`;
      await pause(look, when, seen.graceSeconds);
    }
    const itself = referenceFunction({ functionId: "await-checks" });
    const data = { ...event.data, since, look: next };
    return ended.parse(await step.invoke("go-on", { function: itself, data }));
  },
);
