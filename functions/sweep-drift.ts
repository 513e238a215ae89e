import { cron } from "inngest";
import { DAY_MS, sweepDrift } from "#lib/drift/sweep.ts";
import { inngest } from "#lib/events/client.ts";

/** Looks whether what was brought about outside is still so; each effect once a day. */
export const sweepDriftOfEffects = inngest.createFunction(
  { id: "sweep-drift", triggers: [cron("*/10 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => await step.run("look", () => sweepDrift({ limit: 25, olderThanMs: DAY_MS })),
);
