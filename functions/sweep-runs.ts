import { cron } from "inngest";
import { tidyRuns } from "#lib/artifacts/tidy.ts";
import { sweepOrphans } from "#lib/effects/orphans.ts";
import { runStarted } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";
import { reviveRuns } from "#lib/runs/revive.ts";

/** Wakes runs that the engine has lost, looks for what canceled runs had sent, and removes the drafts of those that ended. */
export const sweepRuns = inngest.createFunction(
  { id: "sweep-runs", triggers: [cron("*/2 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    const revived = await step.run("revive", () => reviveRuns({ limit: 100 }));
    const wakes = eventOfEach(revived, ({ occasion, ...data }) =>
      happened(runStarted, data, occasion),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    const looked = await step.run("look", () => sweepOrphans({ limit: 20 }));
    const tidied = await step.run("tidy", () => tidyRuns({ limit: 50 }));
    return { woken: wakes.length, ...looked, tidied };
  },
);
