import { cron } from "inngest";
import { claimUndeleted } from "#lib/data/projects.server.ts";
import { projectDeleted } from "#lib/events/catalogue/projects.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";

/** Longer than a deletion that is alive takes. */
const LEFT_BEHIND_MS = 15 * 60_000;

/** Wakes the deletion of projects again whose event was lost or whose run failed. */
export const sweepProjects = inngest.createFunction(
  { id: "sweep-projects", triggers: [cron("*/5 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    const projects = await step.run("claim", () =>
      claimUndeleted({ olderThanMs: LEFT_BEHIND_MS, limit: 100 }),
    );
    const wakes = eventOfEach(projects, ({ projectId, claimedAt }) =>
      happened(projectDeleted, { projectId, by: "sweep-projects" }, `sweep ${claimedAt}`),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    return { woken: wakes.length };
  },
);
