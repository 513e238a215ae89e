import { cron, NonRetriableError } from "inngest";
import { BUNDLE_KIND } from "#lib/artifacts/kinds.ts";
import { finalizeRun } from "#lib/bundle/finalize.ts";
import { unbundledRuns } from "#lib/data/bundles.server.ts";
import { errorMessage } from "#lib/errors.ts";
import { runCanceled, runFailed, runSucceeded } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";

/** What the events did not do in this time was lost, or died. */
const LOST_MS = 2 * 60_000;
/** A run that nobody could bundle for so long is left alone. */
const WITHIN_DAYS = 7;
/** Of one project at once: each holds a slice of its chain. */
const CONCURRENCY: [{ limit: number }, { limit: number; key: string }] = [
  { limit: 5 },
  { limit: 1, key: "event.data.projectId" },
];

/**
 * Bundles a run that has ended, however it did. Told twice, it makes one bundle; told late, when the run goes on again, none.
 */
export const bundleRun = inngest.createFunction(
  {
    id: "bundle-run",
    triggers: [runSucceeded, runFailed, runCanceled],
    concurrency: CONCURRENCY,
    retries: 10,
  },
  async ({ event, step }) => {
    const { projectId, runId } = event.data;
    return await step.run("bundle", () => finalizeRun({ projectId, runId }));
  },
);

/** Bundles runs that ended and whose bundle never came: their event was lost, or what made it died. */
export const sweepBundles = inngest.createFunction(
  { id: "sweep-bundles", triggers: [cron("*/5 * * * *")], concurrency: { limit: 1 }, retries: 2 },
  async ({ step }) => {
    const due = await step.run("find", () =>
      unbundledRuns({
        kind: BUNDLE_KIND,
        olderThanMs: LOST_MS,
        withinDays: WITHIN_DAYS,
        limit: 50,
      }),
    );
    let bundled = 0;
    const failed: string[] = [];
    for (const { id: runId, projectId } of due) {
      try {
        await step.run(`bundle-${runId}`, () => finalizeRun({ projectId, runId }));
        bundled++;
      } catch (error) {
        // One that cannot be bundled must not keep the others from it; it is told in the end.
        failed.push(`${runId}: ${errorMessage(error)}`);
      }
    }
    if (failed.length > 0) throw new NonRetriableError(`not bundled: ${failed.join("; ")}`);
    return { bundled };
  },
);
