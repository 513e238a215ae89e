import { and, asc, desc, eq, inArray, isNotNull, like, max, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { sandboxJobs } from "#db/schema.ts";
import { Conflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { violates } from "./violation.ts";

export type SandboxJob = typeof sandboxJobs.$inferSelect;

/** An agent's 40 turns with 8 commands each, made three times over. */
const MAX_JOBS = 1000;
/** One for each call of a tool, less than there are jobs; who stops them takes a step for each. */
const MAX_SANDBOXES = 500;

/** The row of a job, made when it is not there yet. Throws Conflict when its run is gone. */
export async function ensureJob(
  job: Pick<SandboxJob, "projectId" | "runId" | "stepId" | "jobType" | "metadata">,
  executor: Executor = db(),
): Promise<SandboxJob> {
  const { runId, stepId, jobType } = job;
  try {
    const key = [sandboxJobs.runId, sandboxJobs.stepId, sandboxJobs.jobType];
    const row = { id: newId("job"), ...job };
    await executor.insert(sandboxJobs).values(row).onConflictDoNothing({ target: key });
  } catch (error) {
    if (!violates(error, "foreignKey")) throw error;
    throw new Conflict("job_for_nobody", `The run ${runId} is not there any more.`, {}, error);
  }
  const [found] = await executor
    .select()
    .from(sandboxJobs)
    .where(
      and(
        eq(sandboxJobs.runId, runId),
        eq(sandboxJobs.stepId, stepId),
        eq(sandboxJobs.jobType, jobType),
      ),
    );
  if (!found) throw new Conflict("job_for_nobody", `The run ${runId} is not there any more.`);
  return found;
}

/** The row of a job as it stands; null when its run is gone. */
export async function findJob(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<SandboxJob | null> {
  const [row] = await executor.select().from(sandboxJobs).where(eq(sandboxJobs.id, id));
  return row ?? null;
}

/** Begins a job, also one that somebody began who then died; null when it has ended. */
export async function startJob(
  { id, metadata }: { id: string; metadata: Record<string, unknown> },
  executor: Executor = db(),
): Promise<SandboxJob | null> {
  const [row] = await executor
    .update(sandboxJobs)
    .set({ status: "running", startedAt: new Date(), exitCode: null, metadata })
    .where(and(eq(sandboxJobs.id, id), inArray(sandboxJobs.status, ["queued", "running"])))
    .returning();
  return row ?? null;
}

/** Ends a job that runs; null when it has ended otherwise, as by a cancel, which then stays. */
export async function endJob(
  job: Pick<SandboxJob, "id" | "exitCode" | "transcriptBlobRef" | "metadata"> & {
    status: "succeeded" | "failed";
  },
  executor: Executor = db(),
): Promise<SandboxJob | null> {
  const { id, ...set } = job;
  const [row] = await executor
    .update(sandboxJobs)
    .set({ ...set, endedAt: new Date() })
    .where(and(eq(sandboxJobs.id, id), eq(sandboxJobs.status, "running")))
    .returning();
  return row ?? null;
}

/** Cancels the jobs of a run that have not ended. */
export async function cancelJobs(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<void> {
  await executor
    .update(sandboxJobs)
    .set({ status: "canceled", endedAt: sql`now()` })
    .where(and(eq(sandboxJobs.runId, runId), inArray(sandboxJobs.status, ["queued", "running"])));
}

/**
 * The names of the sandboxes that jobs of a run were in, whatever became of those: the newest first, at most 500. Work of our own
 * is in none.
 */
export async function listSandboxes(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<string[]> {
  const name = sql<string>`${sandboxJobs.metadata}->>'sandbox'`;
  const rows = await executor
    .select({ name })
    .from(sandboxJobs)
    .where(and(eq(sandboxJobs.runId, runId), isNotNull(name)))
    .groupBy(name)
    .orderBy(desc(max(sandboxJobs.createdAt)), asc(name))
    .limit(MAX_SANDBOXES);
  return rows.map((row) => row.name);
}

/**
 * The jobs of a run in the order of their making, the first 1,000.
 * @param steps a LIKE pattern: only those of steps with such ids.
 */
export async function listJobs(
  { runId, steps }: { runId: string; steps?: string },
  executor: Executor = db(),
): Promise<SandboxJob[]> {
  return await executor
    .select()
    .from(sandboxJobs)
    .where(
      and(
        eq(sandboxJobs.runId, runId),
        steps === undefined ? undefined : like(sandboxJobs.stepId, steps),
      ),
    )
    .orderBy(asc(sandboxJobs.createdAt), asc(sandboxJobs.id))
    .limit(MAX_JOBS);
}
