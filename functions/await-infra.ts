import { invoke, referenceFunction } from "inngest";
import { artifactCreated, infraProvisioned } from "#lib/events/catalogue/delivery.ts";
import { runWaiting } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { lookAtInfra, publishInstructions } from "#lib/provision/await.ts";
import { PEOPLE, pauses } from "./pauses.ts";
import { endsWithRun, longWaitData, MAX_LOOKS } from "./phase.ts";

/**
 * Waits until all that people make or set by hand is there. An event wakes it; each wait is short all the same, so that a lost one
 * only costs time.
 */
export const awaitInfra = inngest.createFunction(
  { id: "await-infra", retries: 10, triggers: [invoke(longWaitData)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { projectId, runId, inngestRunId, round, look: first = 1 } = event.data;
    const asked =
      first === 1 &&
      (await step.run("instructions", () => publishInstructions({ projectId, runId })));
    if (asked) await step.sendEvent("announce", happened(artifactCreated, asked));
    const since = event.data.since ?? (await step.run("begin", () => Date.now()));
    const next = first + MAX_LOOKS;
    const pause = pauses(step, infraProvisioned, PEOPLE);
    for (let look = first; look < next; look++) {
      const seen = await step.run(`look-${look}`, () =>
        lookAtInfra({ runId, inngestRunId, since }),
      );
      if (seen.complete) return { complete: true };
      if (look === 1) {
        const waitingFor = asked ? asked.artifactId : runId;
        const waiting = { projectId, runId, reason: "external" as const, waitingFor };
        await step.sendEvent("say-waiting", happened(runWaiting, waiting, round));
      }
      // Only what is noted: then the row is there when we look.
      const when = `async.data.runId == "${runId}" && async.data.resourceId.startsWith("infra_")`;
      await pause(look, when);
    }
    const itself = referenceFunction({ functionId: "await-infra" });
    const data = { ...event.data, since, look: next };
    await step.invoke("go-on", { function: itself, data });
    return { complete: true };
  },
);
