import { and, eq, inArray, isNotNull, isNull, lt, or, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { projects, repos } from "#db/schema.ts";
import type { Repo } from "./repos.server.ts";

export type IndexCounts = NonNullable<Repo["indexCounts"]>;

/** Makes a commit the one that a repository is being indexed at: whoever works on another one can no longer finish it. */
export async function beginCodeIndex(
  { repoId, commitSha }: { repoId: string; commitSha: string },
  executor: Executor = db(),
): Promise<void> {
  await executor.update(repos).set({ indexingCommit: commitSha }).where(eq(repos.id, repoId));
}

/** A repository that is being indexed at this commit, locked until the transaction ends; null when it is not, or not there. */
export async function lockIndexing(
  { repoId, commitSha }: { repoId: string; commitSha: string },
  tx: Tx,
): Promise<Repo | null> {
  const [repo] = await tx
    .select()
    .from(repos)
    .where(and(eq(repos.id, repoId), eq(repos.indexingCommit, commitSha)))
    .for("update");
  return repo ?? null;
}

/** Makes the next generation the one that is searched. The repository is locked by {@link lockIndexing}. */
export async function publishCodeIndex(
  index: {
    repoId: string;
    commitSha: string;
    generation: number;
    version: number;
    counts: IndexCounts;
  },
  tx: Tx,
): Promise<void> {
  const { repoId, commitSha, generation, version, counts } = index;
  await tx
    .update(repos)
    .set({
      ...{ indexedCommit: commitSha, indexGeneration: generation, indexVersion: version },
      ...{ indexedAt: sql`now()`, indexingCommit: null, indexError: null, indexCounts: counts },
    })
    .where(eq(repos.id, repoId));
}

/** Writes down why a commit cannot be indexed; what was indexed before goes on being searched. */
export async function failCodeIndex(
  { repoId, error }: { repoId: string; error: string },
  executor: Executor = db(),
): Promise<void> {
  await executor
    .update(repos)
    .set({ indexError: error, indexingCommit: null })
    .where(eq(repos.id, repoId));
}

/**
 * Takes repositories that were not indexed to the end for `leftBehindMs`, or by another version of ours, then those that are
 * indexed and that nobody has looked at for `unseenMs`, oldest first, and stamps them, so that each is taken once per that time.
 * One that cannot be indexed is left alone until it is pushed to. Reads the whole table, which has a row for each connection.
 */
export async function claimRepos(
  {
    leftBehindMs,
    unseenMs,
    version,
    limit,
  }: { leftBehindMs: number; unseenMs: number; version: number; limit: number },
  executor: Executor = db(),
): Promise<
  { projectId: string; repoId: string; branch: string; commitSha: string; claimedAt: string }[]
> {
  const before = (ms: number) => lt(repos.updatedAt, sql`now() - ${ms} * interval '1 millisecond'`);
  const unfinished = or(isNotNull(repos.indexingCommit), lt(repos.indexVersion, version));
  const due = executor
    .select({ id: repos.id })
    .from(repos)
    .innerJoin(projects, and(eq(projects.id, repos.projectId), eq(projects.status, "active")))
    .where(
      and(
        isNull(repos.indexError),
        or(
          and(before(leftBehindMs), unfinished),
          and(before(unseenMs), isNotNull(repos.indexedCommit)),
        ),
      ),
    )
    // However many have only to be looked at, none that waits for its index waits for them.
    .orderBy(sql`${unfinished} desc`, repos.updatedAt)
    .limit(limit)
    .for("update", { of: repos, skipLocked: true });
  const rows = await executor
    .update(repos)
    .set({ updatedAt: sql`now()` })
    .where(inArray(repos.id, due))
    .returning({
      ...{ projectId: repos.projectId, repoId: repos.id, branch: repos.defaultBranch },
      commitSha: sql<string>`coalesce(${repos.indexingCommit}, ${repos.indexedCommit})`,
      claimedAt: repos.updatedAt,
    });
  return rows.map(({ claimedAt, ...row }) => ({ ...row, claimedAt: claimedAt.toISOString() }));
}
