import { cron } from "inngest";
import { claimUnfinishedRemovals } from "#lib/data/file-removals.server.ts";
import { fileRemoved } from "#lib/events/catalogue/files.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";

/** Longer than a removal that is alive takes. */
const LEFT_BEHIND_MS = 15 * 60_000;

/** Wakes the removal of files again whose row is gone and whose run failed before their bytes and vectors were. */
export const sweepRemovals = inngest.createFunction(
  { id: "sweep-removals", triggers: [cron("*/5 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    const files = await step.run("claim", () =>
      claimUnfinishedRemovals({ olderThanMs: LEFT_BEHIND_MS, limit: 100 }),
    );
    const wakes = eventOfEach(files, ({ claimedAt, ...file }) =>
      happened(fileRemoved, { ...file, by: "sweep-removals" }, `sweep ${claimedAt}`),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    return { woken: wakes.length };
  },
);
