import { cron, NonRetriableError } from "inngest";
import { checkpointProject } from "#lib/audit/checkpoints.ts";
import { projectsToCheckpoint } from "#lib/data/audit.server.ts";
import { env } from "#lib/env.ts";
import { inngest } from "#lib/events/client.ts";

const BATCH = 100;
/** A run of the engine has at most 1,000 steps; the rest waits for the next hour. */
const MAX_BATCHES = 8;

/**
 * Keeps signed checkpoints of the audit chains outside the database, one for each project whose chain has grown. Goes on
 * when a chain is broken, and fails in the end, so that it is seen. Without AUDIT_SIGNING_KEY there is nothing to sign with.
 */
export const checkpointAudit = inngest.createFunction(
  { id: "checkpoint-audit", triggers: [cron("0 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    if (!env().AUDIT_SIGNING_KEY) return { checkpoints: 0, skipped: "no AUDIT_SIGNING_KEY" };
    let checkpoints = 0;
    const broken: string[] = [];
    for (let batch = 0, after = ""; batch < MAX_BATCHES; batch++) {
      const due = await step.run(`find-${batch}`, () =>
        projectsToCheckpoint({ after, limit: BATCH }),
      );
      for (const projectId of due) {
        const done = await step.run(`checkpoint-${projectId}`, () => checkpointProject(projectId));
        if (done.outcome === "written") checkpoints++;
        if (done.outcome === "broken")
          broken.push(`${projectId} from ${done.firstBad} (${done.reason})`);
      }
      after = due.at(-1) ?? after;
      if (due.length < BATCH) break;
    }
    if (broken.length > 0) throw new NonRetriableError(`audit_broken: ${broken.join(", ")}`);
    return { checkpoints };
  },
);
