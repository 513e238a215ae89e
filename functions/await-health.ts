import { invoke } from "inngest";
import * as z from "zod";
import { lookAtHealth } from "#lib/deploy/look.ts";
import { inngest } from "#lib/events/client.ts";
import { endsWithRun, phaseData } from "./phase.ts";

const data = phaseData.extend({ place: z.enum(["deployment", "production"]) });

/** Asks a deployed app until it answers as it has to, or its deadline is over; each time is a step of its own. */
export const awaitHealth = inngest.createFunction(
  { id: "await-health", retries: 10, triggers: [invoke(data)], cancelOn: endsWithRun() },
  async ({ event, step }) => {
    const { runId, inngestRunId, place } = event.data;
    const since = await step.run("begin", () => Date.now());
    for (let look = 1; ; look++) {
      const seen = await step.run(`look-${look}`, () =>
        lookAtHealth({ runId, inngestRunId, look, since, place }),
      );
      const { outcome, url, said, waitSeconds } = seen;
      if (outcome !== "pending") return { healthy: outcome === "healthy", url, said };
      await step.sleep(`wait-${look}`, `${waitSeconds}s`);
    }
  },
);
