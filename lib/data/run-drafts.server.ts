import { and, asc, eq, isNotNull, isNull, lt, not, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { runs } from "#db/schema.ts";
import { hasUnindexed } from "./artifact-index.server.ts";
import type { Run, RunStatus } from "./runs.server.ts";

/**
 * Research runs that ended this way that long ago and have their drafts still, oldest first; without those of which something has
 * yet to be made searchable, so that these are found as long as they wait.
 */
export async function untidyRuns(
  { status, olderThanMs, limit }: { status: RunStatus; olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<Pick<Run, "id">[]> {
  return await executor
    .select({ id: runs.id })
    .from(runs)
    .where(
      and(
        eq(runs.status, status),
        lt(runs.endedAt, sql`now() - ${olderThanMs} * interval '1 millisecond'`),
        // As in the partial index, which is used only then.
        sql`${runs.kind} = 'research'`,
        isNotNull(runs.endedAt),
        isNull(runs.tidiedAt),
        not(hasUnindexed()),
      ),
    )
    .orderBy(asc(runs.endedAt))
    .limit(limit);
}

/** Says that the drafts of a run are gone, and what can be done about that; it was not worked on by that. */
export async function markTidied(
  { id, remediation }: Pick<Run, "id" | "remediation">,
  tx: Tx,
): Promise<void> {
  await tx
    .update(runs)
    .set({ tidiedAt: sql`now()`, remediation, updatedAt: sql`${runs.updatedAt}` })
    .where(eq(runs.id, id));
}
