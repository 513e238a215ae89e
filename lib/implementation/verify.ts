import { readRun } from "../data/runs.server.ts";
import { listJobs } from "../data/sandbox-jobs.server.ts";
import { InvalidInput, NotFound } from "../errors.ts";
import { isLive } from "../runs/states.ts";
import { type JobRequest, type JobType, runJob } from "../sandbox/jobs.ts";
import type { Sandbox } from "../sandbox/port.ts";
import { sandboxProvider } from "../sandbox/provider.ts";
import { publishOfRun } from "./artifact.ts";
import { failureLines } from "./failures.ts";
import { reportText } from "./report.ts";
import { patchedFiles } from "./repository.ts";
import { isTrusted, sandboxName } from "./sandbox.ts";
import type { Job } from "./scripts.ts";
import { basisOf, inputOf, nameOf, patchOf, type Report, type RunIds } from "./work.ts";

/** Less than a deployed function may run. */
const TIMEOUT_MS = 240_000;
const MAX_OUTPUT_BYTES = 5 * 1024 * 1024;
const MAX_EARLIER = 20;

/** One start of a run. */
export interface Attempt extends RunIds {
  readonly attempt: number;
}

/**
 * What has to succeed on a run's patched tree. Throws InvalidInput when that is nothing and nobody has said that nothing is to be
 * verified.
 */
export async function findJobs({ runId }: RunIds): Promise<readonly Job[]> {
  const [{ verify }, basis, { jobs }] = await Promise.all([
    inputOf(runId),
    basisOf(runId),
    patchOf(runId),
  ]);
  if (verify || jobs.length > 0) return jobs;
  const what = `${basis.owner}/${basis.repo} has no npm scripts lint, typecheck, test or build: name commands in input.verify, or an empty list to verify nothing.`;
  throw new InvalidInput("verify_nothing", what);
}

export interface Checked {
  readonly jobId: string;
  readonly jobType: JobType;
  readonly status: "succeeded" | "failed";
  readonly exitCode: number | null;
  /** What failed, for the run's error; empty when nothing did. */
  readonly failure: string;
}

/** Runs one check in the sandbox of this attempt, which is made from the patched tree when it is not there yet. */
export async function runCheck({ projectId, runId, attempt }: Attempt, job: Job): Promise<Checked> {
  const [basis, patch] = await Promise.all([basisOf(runId), patchOf(runId)]);
  const sandbox = await sandboxProvider().open({
    name: sandboxName(runId, attempt),
    files: () => patchedFiles(basis, patch),
    trusted: isTrusted(nameOf(basis)),
  });
  const [program = "", ...args] = job.command;
  const jobType: JobType = job.check === "install" ? "repo.install" : `verify.${job.check}`;
  const done = await inLiveRun(runId, sandbox, {
    ...{ projectId, stepId: `verify/${job.check}-${attempt}`, jobType },
    command: {
      argv: [program, ...args],
      env: { CI: "1", NO_COLOR: "1" },
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
    },
    commitSha: patch.tree,
  });
  const { jobId, status, exitCode, tail } = done;
  if (status === "succeeded") return { jobId, jobType, status, exitCode, failure: "" };
  const how = exitCode === null ? "was ended at a limit" : `ended with ${exitCode}`;
  const failure = `verification_failed: \`${job.command.join(" ")}\` ${how}, and nothing was changed outside.\n${failureLines(tail)}`;
  return { jobId, jobType, status: "failed", exitCode, failure };
}

/**
 * Runs a job, and stops its sandbox when the run has ended or gone meanwhile, perhaps before there was a job to be stopped: nobody
 * comes back to close it.
 */
async function inLiveRun(
  runId: string,
  sandbox: Sandbox,
  job: Omit<JobRequest, "runId" | "sandbox">,
) {
  try {
    return await runJob({ ...job, runId, sandbox });
  } finally {
    if (!(await isStillLive(runId))) await sandbox.stop();
  }
}

async function isStillLive(runId: string): Promise<boolean> {
  try {
    return isLive(await readRun({ id: runId }));
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

/** Publishes what the jobs of this attempt came to. */
export async function publishReport({ projectId, runId, attempt }: Attempt): Promise<Report> {
  const [basis, patch, jobs] = await Promise.all([
    basisOf(runId),
    patchOf(runId),
    listJobs({ runId, steps: `%-${attempt}` }),
  ]);
  const passed = jobs.every(({ status }) => status === "succeeded");
  const artifact = await publishOfRun({ projectId, runId }, "VERIFICATION_REPORT", {
    content: reportText({ basis, patch, jobs }),
    metadata: { tree: patch.tree, base: basis.base, passed, jobs: jobs.map(({ id }) => id) },
  });
  return { artifact, checks: jobs.map(checkOf) };
}

function checkOf({
  jobType,
  metadata,
  startedAt,
  endedAt,
}: Awaited<ReturnType<typeof listJobs>>[number]) {
  const seconds = startedAt && endedAt ? (endedAt.getTime() - startedAt.getTime()) / 1000 : 0;
  return { check: jobType, isolation: String(metadata.isolation ?? "unknown"), seconds };
}

/**
 * Ends the sandboxes of earlier attempts, the last 20: the engine may have lost one between two checks, and nobody else comes back
 * to what it was in. By name, whether or not a job of it is on record.
 */
export async function closeEarlier({ attempt, ...ids }: Attempt): Promise<void> {
  for (let earlier = Math.max(1, attempt - MAX_EARLIER); earlier < attempt; earlier++) {
    await closeSandbox({ ...ids, attempt: earlier });
  }
}

/** Ends the sandbox of an attempt. */
export async function closeSandbox({ runId, attempt }: Attempt): Promise<void> {
  await sandboxProvider().stop(sandboxName(runId, attempt));
}
