import { cron, NonRetriableError } from "inngest";
import { checkpointProject } from "#lib/audit/checkpoints.ts";
import { nextCheckpointed } from "#lib/audit/round.ts";
import { projectsToCheckpoint } from "#lib/data/audit.server.ts";
import { env } from "#lib/env.ts";
import { errorMessage } from "#lib/errors.ts";
import { inngest } from "#lib/events/client.ts";

/** A run of the engine has at most 1,000 steps; the rest waits for the next hour. */
const MAX_PROJECTS = 800;
/** So many are held against what was kept of them, whether their chain has grown or not. */
const MAX_KEPT = 100;
/** After so many it is not for a chain that they fail, and each takes a minute to be given up. */
const MAX_FAILURES = 10;
/** The others are in the runs of the steps. */
const MAX_NAMED = 20;

/**
 * Keeps signed checkpoints of the audit chains outside the database, one for each project whose chain has grown, and holds others
 * in turn against theirs: a chain that was cut back, or is gone, does not grow. Goes on when a chain is broken, or cannot be
 * looked at while others can, and fails in the end, so that it is seen. Without AUDIT_SIGNING_KEY there is nothing to sign with.
 */
export const checkpointAudit = inngest.createFunction(
  { id: "checkpoint-audit", triggers: [cron("0 * * * *")], concurrency: { limit: 1 }, retries: 2 },
  async ({ step }) => {
    if (!env().AUDIT_SIGNING_KEY) return { checkpoints: 0, skipped: "no AUDIT_SIGNING_KEY" };
    let checkpoints = 0;
    const broken: string[] = [];
    const failed: string[] = [];
    const due = await step.run("find", () => projectsToCheckpoint({ limit: MAX_PROJECTS }));
    const kept = await step
      .run("find-kept", () => nextCheckpointed({ limit: MAX_KEPT }))
      .catch((error) => {
        failed.push(`what has checkpoints: ${errorMessage(error)}`);
        return [];
      });
    for (const projectId of new Set([...due, ...kept])) {
      if (failed.length === MAX_FAILURES) break;
      try {
        const done = await step.run(`checkpoint-${projectId}`, () => checkpointProject(projectId));
        if (done.outcome === "written") checkpoints++;
        if (done.outcome === "broken")
          broken.push(`${projectId} from ${done.firstBad} (${done.reason})`);
      } catch (error) {
        failed.push(`${projectId}: ${errorMessage(error)}`);
      }
    }
    const wrong = [...failed, ...broken];
    if (wrong.length > 0) {
      const named = wrong.slice(0, MAX_NAMED).join(", ");
      throw new NonRetriableError(`audit_broken (${wrong.length}): ${named}`);
    }
    return { checkpoints };
  },
);
