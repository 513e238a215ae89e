import { and, desc, eq, inArray, lt, notInArray, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { projects, runs } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import { redactJson, redactText } from "../redact.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Run = typeof runs.$inferSelect;
export type RunStatus = Run["status"];
export const ENDED = ["succeeded", "failed", "canceled"] as const satisfies RunStatus[];

/**
 * Writes a run that was asked for. Returns null when its id, or the event that asked, is there already: read that one.
 * Input is redacted: what a run needs of secrets it fetches itself.
 */
export async function insertRun(
  run: Pick<Run, "id" | "projectId" | "kind" | "mode" | "input" | "requestedBy" | "eventId">,
  tx: Tx,
): Promise<Run | null> {
  const [row] = await tx
    .insert(runs)
    .values({ ...run, input: redactJson(run.input), requestedBy: redactText(run.requestedBy) })
    .onConflictDoNothing()
    .returning();
  return row ?? null;
}

/** The run, locked until the transaction ends; null when there is none. */
export async function lockRun({ id }: { id: string }, tx: Tx): Promise<Run | null> {
  const [row] = await tx.select().from(runs).where(eq(runs.id, id)).for("update");
  return row ?? null;
}

/** The run that an event of this id asked for; null when there is none. */
export async function runOfEvent(
  { projectId, eventId }: { projectId: string; eventId: string },
  tx: Tx,
): Promise<Run | null> {
  const [row] = await tx
    .select()
    .from(runs)
    .where(and(eq(runs.projectId, projectId), eq(runs.eventId, eventId)))
    .for("update");
  return row ?? null;
}

/** What a run is, for whoever works on it. Throws NotFound. */
export async function readRun({ id }: { id: string }, executor: Executor = db()): Promise<Run> {
  const [row] = await executor.select().from(runs).where(eq(runs.id, id));
  if (!row) throw new NotFound("run_not_found", `There is no run ${id}.`);
  return row;
}

/** A run of the caller's own projects. Throws NotFound: somebody else's looks the same as none. */
export async function ownRun(
  { id, ownerUserId }: { id: string; ownerUserId: string },
  executor: Executor = db(),
): Promise<Run> {
  const [row] = await executor
    .select({ run: runs })
    .from(runs)
    .innerJoin(projects, eq(projects.id, runs.projectId))
    .where(
      and(eq(runs.id, id), eq(projects.ownerUserId, ownerUserId), eq(projects.status, "active")),
    );
  if (!row) throw new NotFound("run_not_found", `There is no run ${id}.`);
  return row.run;
}

/**
 * Moves a run from one of `from` to `to`, if it is there: the one place where a state changes. Returns the run as it is
 * now, or null when it was in no state of `from` (or not of `inngestRunId`, when that is said).
 */
export async function moveRun(
  move: {
    id: string;
    from: readonly RunStatus[];
    to: RunStatus;
    inngestRunId?: string | undefined;
    set?: Partial<
      Pick<Run, "error" | "remediation" | "result" | "attempt" | "startedAt" | "inngestRunId">
    >;
    /** Takes the place of the one in its input, of which all else stays as it was asked for. */
    budget?: unknown;
  },
  tx: Tx,
): Promise<Run | null> {
  const { id, from, to, inngestRunId, set = {}, budget } = move;
  const ended = (ENDED as readonly RunStatus[]).includes(to);
  const [row] = await tx
    .update(runs)
    .set({
      ...set,
      ...(set.error ? { error: redactText(set.error) } : {}),
      ...(set.result ? { result: redactJson(set.result) } : {}),
      ...(budget ? { input: sql`${runs.input} || ${JSON.stringify({ budget })}::jsonb` } : {}),
      status: to,
      endedAt: ended ? sql`now()` : null,
    })
    .where(
      and(
        eq(runs.id, id),
        inArray(runs.status, [...from]),
        inngestRunId === undefined ? undefined : eq(runs.inngestRunId, inngestRunId),
      ),
    )
    .returning();
  return row ?? null;
}

/** A project's runs that have not ended, at most 1,000. */
export async function liveRunsOf(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<{ id: string }[]> {
  return await executor
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.projectId, projectId), notInArray(runs.status, [...ENDED])))
    .limit(1000);
}

/** Says that somebody has looked at a run, so that the sweeper leaves it alone for a while. */
export async function touchRun(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Run | null> {
  const [row] = await executor
    .update(runs)
    .set({ updatedAt: sql`now()` })
    .where(eq(runs.id, id))
    .returning();
  return row ?? null;
}

/** Runs that have not ended and that nobody has touched for that long, oldest first. */
export async function staleRuns(
  { statuses, olderThanMs, limit }: { statuses: RunStatus[]; olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<Run[]> {
  return await executor
    .select()
    .from(runs)
    .where(
      and(
        inArray(runs.status, statuses),
        notInArray(runs.status, [...ENDED]),
        lt(runs.updatedAt, sql`now() - ${olderThanMs} * interval '1 millisecond'`),
      ),
    )
    .orderBy(runs.updatedAt)
    .limit(limit);
}

/** A project's runs, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listRuns(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Run>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(runs)
    .where(and(eq(runs.projectId, input.projectId), behind(runs, input.cursor)))
    .orderBy(desc(runs.createdAt), desc(runs.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
