import { and, arrayContains, asc, desc, eq, inArray, lt, notInArray, or, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { approvals, effects, projects, runs } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import type { Effect } from "./effects.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

/**
 * An effect of the caller's projects, or of a plan that they may decide: who approves is who resolves. Throws NotFound:
 * all else looks the same.
 */
export async function visibleEffect(
  { id, userId }: { id: string; userId: string },
  executor: Executor = db(),
): Promise<Effect> {
  const [row] = await executor
    .select({ effect: effects })
    .from(effects)
    .innerJoin(projects, eq(projects.id, effects.projectId))
    .leftJoin(approvals, eq(approvals.id, effects.approvalId))
    .where(
      and(
        eq(effects.id, id),
        eq(projects.status, "active"),
        or(eq(projects.ownerUserId, userId), arrayContains(approvals.approvers, [userId])),
      ),
    );
  if (!row) throw new NotFound("effect_not_found", `There is no effect ${id}.`);
  return row.effect;
}

/** The effects of a run in the order of their plan. */
export async function effectsOfRun(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<Effect[]> {
  return await executor
    .select()
    .from(effects)
    .where(eq(effects.runId, runId))
    .orderBy(asc(effects.position), asc(effects.id));
}

/** The effects that an approval covers, in the order in which their intents were hashed. */
export async function effectsOfApproval(
  { approvalId }: { approvalId: string },
  executor: Executor = db(),
): Promise<Effect[]> {
  return await executor
    .select()
    .from(effects)
    .where(eq(effects.approvalId, approvalId))
    .orderBy(asc(effects.position), asc(effects.id));
}

/** A project's effects, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listEffects(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Effect & { createdAt: Date }>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(effects)
    .where(
      and(
        eq(effects.projectId, input.projectId),
        behind({ createdAt: effects.plannedAt, id: effects.id }, input.cursor),
      ),
    )
    .orderBy(desc(effects.plannedAt), desc(effects.id))
    .limit(limit + 1);
  return toPage(
    rows.map((row) => ({ ...row, createdAt: row.plannedAt })),
    limit,
  );
}

/**
 * Effects that may exist outside, whose lease is over and whose run has ended, so that nobody else will look for them:
 * those of failed runs until they are resumed, and of runs that are over. Of all projects or of one; oldest lease first.
 */
export async function orphanedEffects(
  { limit, projectId }: { limit: number; projectId?: string | undefined },
  executor: Executor = db(),
): Promise<(Effect & { runStatus: "over" | "failed" })[]> {
  const rows = await executor
    .select({ effect: effects, status: runs.status })
    .from(effects)
    .innerJoin(runs, eq(runs.id, effects.runId))
    .where(
      and(
        inArray(effects.status, ["claimed", "sent"]),
        lt(effects.leaseExpiresAt, sql`now()`),
        inArray(runs.status, ["canceled", "failed", "succeeded"]),
        projectId === undefined ? undefined : eq(effects.projectId, projectId),
      ),
    )
    .orderBy(effects.leaseExpiresAt)
    .limit(limit);
  return rows.map(({ effect, status }) => ({
    ...effect,
    runStatus: status === "failed" ? "failed" : "over",
  }));
}

/** Whether an effect of this kind and with this marker is neither done nor given up: whatever it has begun, it will finish. */
export async function isUnfinished(
  { kind, marker }: Pick<Effect, "kind" | "marker">,
  executor: Executor = db(),
): Promise<boolean> {
  const open = notInArray(effects.status, ["confirmed", "failed", "abandoned"]);
  const which = and(eq(effects.marker, marker), eq(effects.kind, kind), open);
  return (await executor.$count(effects, which)) > 0;
}

/** How many effects of a project are claimed or sent: what they became is not known yet. */
export async function countInFlight(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<number> {
  return await executor.$count(
    effects,
    and(eq(effects.projectId, projectId), inArray(effects.status, ["claimed", "sent"])),
  );
}
