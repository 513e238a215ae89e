import { and, eq, inArray, lt, or, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { fileRemovals } from "#db/schema.ts";

/** A file whose row is gone, while something of it outside the database may not be. */
export interface Unfinished {
  readonly projectId: string;
  readonly fileId: string;
  /** ISO 8601: tells this claim from an earlier one of the same file. */
  readonly claimedAt: string;
}

/** Takes removals that have not ended for that long, and stamps them, so that each is taken once per `olderThanMs`. */
export async function claimUnfinishedRemovals(
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<Unfinished[]> {
  const { fileId, projectId, updatedAt } = fileRemovals;
  const due = executor
    .select({ fileId })
    .from(fileRemovals)
    .where(lt(updatedAt, before(olderThanMs)))
    .orderBy(updatedAt)
    .limit(limit)
    .for("update", { skipLocked: true });
  const rows = await executor
    .update(fileRemovals)
    .set({ updatedAt: sql`now()` })
    .where(inArray(fileId, due))
    .returning({ projectId, fileId, updatedAt });
  return rows.map((row) => ({
    projectId: row.projectId,
    fileId: row.fileId,
    claimedAt: row.updatedAt.toISOString(),
  }));
}

/**
 * Forgets a removal whose bytes and vectors have just gone, but not while an ingestion may still be writing: one that was
 * under way is given `settleMs` from the moment when the row went.
 */
export async function endRemoval(
  { fileId, settleMs }: { fileId: string; settleMs: number },
  executor: Executor = db(),
): Promise<void> {
  const settled = or(
    eq(fileRemovals.ingesting, false),
    lt(fileRemovals.createdAt, before(settleMs)),
  );
  await executor.delete(fileRemovals).where(and(eq(fileRemovals.fileId, fileId), settled));
}

const before = (ms: number) => sql`now() - ${ms} * interval '1 millisecond'`;
