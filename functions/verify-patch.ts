import { invoke, NonRetriableError } from "inngest";
import { artifactCreated, sandboxJobFinished } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import {
  closeEarlier,
  closeSandbox,
  findJobs,
  publishReport,
  runCheck,
} from "#lib/implementation/verify.ts";
import { knownReport } from "#lib/implementation/work.ts";
import { recordStep } from "#lib/runs/record.ts";
import { endsWithRun, verifyData } from "./phase.ts";

/**
 * The repository's own checks, run on the patched tree in a sandbox, one after the other up to the first that fails. That is
 * before anything is changed outside: a run whose checks fail ends here, with what failed.
 */
export const verifyPatch = inngest.createFunction(
  {
    id: "verify-patch",
    retries: 5,
    triggers: [invoke(verifyData)],
    cancelOn: endsWithRun(),
    // A sandbox takes a core or more.
    concurrency: [{ limit: 4 }, { limit: 2, key: "event.data.projectId" }],
  },
  async ({ event, step }) => {
    const { attempt, ...ids } = event.data;
    const recorder = { ...ids, step, phase: "verify" };
    if (attempt > 1) await step.run("close-earlier", () => closeEarlier({ ...ids, attempt }));
    // A run that goes on after its verification is not verified again.
    const known = await step.run("known", () => knownReport(ids.runId));
    if (known) return known.artifact;
    const jobs = await recordStep(recorder, { id: "find", kind: "query" }, () => findJobs(ids));
    let failed: string | null = null;
    for (const job of jobs) {
      // Of another attempt it is another step: what failed once is run again when the run is asked for again.
      const id = `${job.check}-${attempt}`;
      const inputs = { command: job.command };
      const done = await recordStep(recorder, { id, kind: "sandbox", inputs }, () =>
        runCheck({ ...ids, attempt }, job),
      );
      const { projectId, runId } = ids;
      const { jobId, jobType, status, exitCode } = done;
      const finished = { projectId, runId, jobId, jobType, status, exitCode };
      await step.sendEvent(`announce-${id}`, happened(sandboxJobFinished, finished));
      if (status === "succeeded") continue;
      failed = done.failure;
      break;
    }
    const id = failed === null ? "report" : `report-${attempt}`;
    const report = await recordStep(recorder, { id, kind: "publish" }, () =>
      publishReport({ ...ids, attempt }),
    );
    await step.sendEvent(`announce-${id}`, happened(artifactCreated, report.artifact));
    await step.run("close", () => closeSandbox({ ...ids, attempt }));
    if (failed !== null) throw new NonRetriableError(failed);
    return report.artifact;
  },
);
