import { randomUUID } from "node:crypto";
import { blobStore } from "../blob/blob.ts";
import { checkKey, projectPrefix } from "../blob/port.ts";
import { readRun } from "../data/runs.server.ts";
import {
  cancelJobs,
  endJob,
  ensureJob,
  findJob,
  listSandboxes,
  type SandboxJob,
  startJob,
} from "../data/sandbox-jobs.server.ts";
import { Conflict, CountersignError, errorMessage } from "../errors.ts";
import { redactJson } from "../redact.ts";
import { isLive } from "../runs/states.ts";
import type { Command, CommandResult, Isolation, Sandbox } from "./port.ts";
import { storable, transcriptOf } from "./transcript.ts";

export const JOB_TYPES = [
  "repo.clone",
  "repo.applyPatch",
  "repo.install",
  "verify.lint",
  "verify.typecheck",
  "verify.test",
  "verify.build",
  "db.migrate",
  "draft.run",
] as const;
export type JobType = (typeof JOB_TYPES)[number];

export interface JobRequest {
  readonly projectId: string;
  readonly runId: string;
  /** With run and type the job's identity: the same again is the same job. */
  readonly stepId: string;
  readonly jobType: JobType;
  readonly sandbox: Sandbox;
  readonly command: Command;
  /** The commit or tree that the command is about. */
  readonly commitSha: string;
}

export interface JobResult {
  readonly jobId: string;
  readonly status: "succeeded" | "failed";
  /** Null when the command was ended. */
  readonly exitCode: number | null;
  /** The redacted end of what it said, at most 8 KB. */
  readonly tail: string;
  readonly durationMs: number;
  readonly isolation: Isolation;
}

/** What is kept of one command's output. */
const MAX_TRANSCRIPT_BYTES = 5 * 1024 * 1024;

/**
 * Puts a job on record before its sandbox is made, so that who ends the run can name the sandbox. Throws Conflict when the run
 * has ended: whoever ended it has looked for jobs already, or will find this one.
 */
export async function announceJob(
  job: Pick<JobRequest, "projectId" | "runId" | "stepId" | "jobType"> & {
    readonly sandbox: string;
  },
): Promise<void> {
  const { sandbox, projectId, runId, stepId, jobType } = job;
  await ensureJob({ projectId, runId, stepId, jobType, metadata: { sandbox } });
  const run = await readRun({ id: runId });
  if (isLive(run)) return;
  if (run.status === "canceled") await cancelJobs({ runId });
  const what = `The run ${runId} has ${run.status}: nothing is run for it.`;
  throw new Conflict("job_for_nobody", what);
}

/** Ends a job that was announced, or would have come next, and will not be run, and says why. One that has begun or ended is left as it is. */
export async function endUnrun(
  job: Pick<JobRequest, "projectId" | "runId" | "stepId" | "jobType">,
  why: string,
): Promise<void> {
  const { id, status, metadata } = await ensureJob({ ...job, metadata: {} });
  if (status !== "queued" || !(await startJob({ id, metadata }))) return;
  await endJob({
    ...{ id, status: "failed", exitCode: null, transcriptBlobRef: null },
    metadata: { ...metadata, tail: why },
  });
}

/**
 * Runs a command as a job with a row: queued, running, then succeeded or failed, with its redacted transcript. A job that
 * has ended is not run again; one that somebody began who then died begins anew. When two work on it at once, it ended as it did for
 * the first to end. Throws Conflict when it has been canceled or its run is gone, InvalidInput for a command that is not allowed,
 * NotFound when the sandbox was stopped (the row then says so), and what else the sandbox throws.
 */
export async function runJob(request: JobRequest): Promise<JobResult> {
  const { projectId, runId, stepId, jobType, sandbox, command, commitSha } = request;
  const { isolation, name } = sandbox;
  // The row is there before the sandbox refuses it: what it says has to be storable, whatever was asked for.
  const argv = redactJson(command.argv.map(storable));
  const metadata = { isolation, sandbox: name, commitSha, command: argv };
  const row = await ensureJob({ projectId, runId, stepId, jobType, metadata });
  const started = await startJob({ id: row.id, metadata });
  if (!started) return await asItEnded(row.id);
  const maxOutputBytes = Math.min(command.maxOutputBytes, MAX_TRANSCRIPT_BYTES);
  try {
    const result = await sandbox.run({ ...command, maxOutputBytes });
    return await settle(request, row.id, metadata, result);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.retry) throw error;
    // It is never run, also not when its sandbox has been stopped: nothing else will end the row.
    const failed = await endJob({
      ...{ id: row.id, status: "failed", exitCode: null, transcriptBlobRef: null },
      metadata: { ...metadata, tail: error.message },
    });
    if (failed) throw error;
    return await asItEnded(row.id);
  }
}

export interface WorkRequest extends Omit<JobRequest, "sandbox" | "command"> {
  /** What held it, for a person: `git` for what runs nothing of the repository. */
  readonly isolation: string;
}

/**
 * Does work of our own on a repository, which needs no sandbox, as a job with a row like those of {@link runJob}: `say` adds a
 * line to its transcript. Work that is done again, because whoever did it died before its step was on record, leaves the row
 * as it is. Throws what the work throws; the row says so when no repeat can help, and is begun anew otherwise. Throws Conflict
 * when the job was canceled before or meanwhile, or its run is gone.
 */
export async function recordWork<T>(
  request: WorkRequest,
  work: (say: (line: string) => void) => Promise<T>,
): Promise<T> {
  const { projectId, runId, stepId, jobType, commitSha, isolation } = request;
  const metadata = { isolation, commitSha };
  const row = await ensureJob({ projectId, runId, stepId, jobType, metadata });
  const started = await startJob({ id: row.id, metadata });
  if (!started) await asItEnded(row.id);
  const lines: string[] = [];
  const began = Date.now();
  const end = async (exitCode: 0 | null) => {
    if (!started) return;
    const all = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    const output = all.subarray(0, MAX_TRANSCRIPT_BYTES);
    const truncated = output.length < all.length;
    const durationMs = Date.now() - began;
    await settle(request, row.id, metadata, {
      ...{ exitCode, ended: "exited", output, truncated, durationMs },
    });
  };
  const done = await work((line) => lines.push(line)).catch(async (error) => {
    lines.push(errorMessage(error));
    // What may pass is tried again, as the same job.
    if (error instanceof CountersignError && !error.retry) await end(null);
    throw error;
  });
  await end(0);
  return done;
}

async function settle(
  { projectId, runId }: Pick<JobRequest, "projectId" | "runId">,
  id: string,
  metadata: Record<string, unknown>,
  result: CommandResult,
): Promise<JobResult> {
  const { exitCode, ended, output, truncated, durationMs } = result;
  const transcript = transcriptOf(output, truncated);
  // Of its own: of two that work on it at once, neither writes over what the other has put on record.
  const name = `${id}-${randomUUID()}`;
  const key = checkKey(`${projectPrefix(projectId)}/runs/${runId}/jobs/${name}.txt`);
  await blobStore().put(key, transcript.pieces());
  const { tail } = transcript;
  const row = await endJob({
    ...{ id, exitCode, transcriptBlobRef: key },
    status: exitCode === 0 ? "succeeded" : "failed",
    metadata: { ...metadata, tail, truncated, ended, durationMs },
  });
  if (row) return resultOf(row);
  // Nobody knows of it, and nobody would remove it when its project has gone meanwhile.
  await blobStore().delete(key);
  return await asItEnded(id);
}

/** What a job came to that somebody else has ended. Throws Conflict when it was canceled, or is gone with its run. */
async function asItEnded(id: string): Promise<JobResult> {
  const row = await findJob({ id });
  if (!row) throw canceled(id);
  return resultOf(row);
}

function resultOf({ id, status, exitCode, metadata }: SandboxJob): JobResult {
  if (status !== "succeeded" && status !== "failed") throw canceled(id);
  const { tail, durationMs, isolation } = metadata;
  return {
    ...{ jobId: id, status, exitCode },
    tail: String(tail ?? ""),
    durationMs: Number(durationMs ?? 0),
    isolation: isolation as Isolation,
  };
}

function canceled(id: string): Conflict {
  return new Conflict("job_canceled", `The job ${id} has been canceled.`);
}

/**
 * Cancels the jobs of a run and names the sandboxes that whoever calls this has to stop, by `sandboxProvider().stop`: those of all
 * its jobs, since a sandbox stays between two of them. Can be repeated: the names are the same then.
 */
export async function cancelJobsOfRun({ runId }: { runId: string }): Promise<string[]> {
  await cancelJobs({ runId });
  return await listSandboxes({ runId });
}

/**
 * The sandboxes that a failed run may have left: whoever worked in them has given up or died, and nobody came back. None while the
 * run is live: then they are somebody's. The rows stay, since the run can go on, as another attempt with other sandboxes.
 */
export async function sandboxesLeftBehind({ runId }: { runId: string }): Promise<string[]> {
  // In this order: what is begun for a run that goes on meanwhile is not among them.
  const names = await listSandboxes({ runId });
  return (await readRun({ id: runId })).status === "failed" ? names : [];
}
