import { and, asc, count, eq, inArray, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { codeFiles, repos } from "#db/schema.ts";

export type CodeFile = typeof codeFiles.$inferSelect;

/** A version of a file that a commit has, as it is about to be indexed. */
export type WantedFile = Pick<CodeFile, "key" | "path" | "blobSha" | "language">;

/** Rows of one statement. */
const ROWS = 2000;
const KEYS = 5000;

/** Every version of a file that the index knows of, whichever generation has it. */
export async function listCodeKeys(
  { repoId }: { repoId: string },
  executor: Executor = db(),
): Promise<Pick<CodeFile, "key" | "fromGeneration" | "toGeneration">[]> {
  const { key, fromGeneration, toGeneration } = codeFiles;
  return await executor
    .select({ key, fromGeneration, toGeneration })
    .from(codeFiles)
    .where(eq(codeFiles.repoId, repoId));
}

/** Adds versions of files to a generation that nobody searches yet. */
export async function insertCodeFiles(
  rows: {
    repoId: string;
    commitSha: string;
    fromGeneration: number;
    files: readonly WantedFile[];
  },
  tx: Tx,
): Promise<void> {
  const { repoId, commitSha, fromGeneration, files } = rows;
  for (let from = 0; from < files.length; from += ROWS) {
    const some = files.slice(from, from + ROWS);
    // As one parameter: one for every value takes a hundred MB for the files of a large repository.
    await tx.execute(sql`
      insert into ${codeFiles} (repo_id, commit_sha, from_generation, key, path, blob_sha, language)
      select ${repoId}, ${commitSha}, ${fromGeneration}, key, path, "blobSha", language
      from jsonb_to_recordset(${JSON.stringify(some)}::jsonb)
        as wanted(key text, path text, "blobSha" text, language text)
      on conflict do nothing`);
  }
}

/** Says from which generation on versions of files are gone, or with null that they are not. */
export async function setGone(
  rows: { repoId: string; keys: readonly string[]; toGeneration: number | null },
  tx: Tx,
): Promise<void> {
  const { repoId, keys, toGeneration } = rows;
  for (let from = 0; from < keys.length; from += KEYS) {
    const some = keys.slice(from, from + KEYS);
    await tx
      .update(codeFiles)
      .set({ toGeneration })
      .where(and(eq(codeFiles.repoId, repoId), inArray(codeFiles.key, some)));
  }
}

/** Files whose vectors are still to be written, the next `limit` after `after`, one language after the other. */
export async function listPending(
  {
    repoId,
    after,
    limit,
  }: { repoId: string; after: Pick<CodeFile, "language" | "key"> | undefined; limit: number },
  executor: Executor = db(),
): Promise<CodeFile[]> {
  const { language, key } = codeFiles;
  return await executor
    .select()
    .from(codeFiles)
    .where(
      and(
        pendingOf(repoId),
        after && sql`(${language}, ${key}) > (${after.language}, ${after.key})`,
      ),
    )
    .orderBy(asc(language), asc(key))
    .limit(limit);
}

/** How many files {@link listPending} gives in all. */
export async function countPending(
  { repoId }: { repoId: string },
  executor: Executor = db(),
): Promise<number> {
  const [row] = await executor.select({ files: count() }).from(codeFiles).where(pendingOf(repoId));
  return row?.files ?? 0;
}

/**
 * Writes how many vectors files are about to have, or why none, as long as the repository is being indexed at this commit.
 * Whoever removes a file then knows which vectors it may have. Returns the keys of those that are still there.
 */
export async function setChunkCounts(
  input: {
    repoId: string;
    commitSha: string;
    files: readonly { key: string; chunkCount: number; skipped: string | null }[];
  },
  executor: Executor = db(),
): Promise<string[]> {
  const { repoId, commitSha, files } = input;
  if (files.length === 0) return [];
  const { rows } = await executor.execute<{ key: string }>(sql`
    update ${codeFiles} set chunk_count = said.chunk_count, skipped = said.skipped
    from jsonb_to_recordset(${JSON.stringify(
      files.map(({ key, chunkCount, skipped }) => ({ key, chunk_count: chunkCount, skipped })),
    )}::jsonb) as said(key text, chunk_count integer, skipped text)
    where code_files.repo_id = ${repoId} and code_files.key = said.key
      and code_files.indexed_at is null and ${isIndexing({ repoId, commitSha })}
    returning code_files.key`);
  return rows.map(({ key }) => key);
}

/** Says that the vectors of files are written. Returns the keys of all that are there, written now or before. */
export async function markCodeIndexed(
  { repoId, keys }: { repoId: string; keys: readonly string[] },
  executor: Executor = db(),
): Promise<string[]> {
  const rows = await executor
    .update(codeFiles)
    .set({ indexedAt: sql`coalesce(${codeFiles.indexedAt}, now())` })
    .where(and(eq(codeFiles.repoId, repoId), inArray(codeFiles.key, [...keys])))
    .returning({ key: codeFiles.key });
  return rows.map(({ key }) => key);
}

/** Files of no generation that is searched, or about to be: the next `limit`, locked until the transaction ends. */
export async function lockGone(
  { repoId, limit }: { repoId: string; limit: number },
  tx: Tx,
): Promise<Pick<CodeFile, "key" | "chunkCount">[]> {
  return await tx
    .select({ key: codeFiles.key, chunkCount: codeFiles.chunkCount })
    .from(codeFiles)
    .innerJoin(repos, eq(repos.id, codeFiles.repoId))
    .where(and(eq(codeFiles.repoId, repoId), lte(codeFiles.toGeneration, repos.indexGeneration)))
    .orderBy(codeFiles.key)
    .limit(limit)
    .for("update", { of: codeFiles });
}

export async function deleteCodeFiles(
  { repoId, keys }: { repoId: string; keys: readonly string[] },
  tx: Tx,
): Promise<void> {
  await tx
    .delete(codeFiles)
    .where(and(eq(codeFiles.repoId, repoId), inArray(codeFiles.key, [...keys])));
}

/** What a generation has: files and chunks that are searched, and files that are not, by reason. */
export async function countGeneration(
  { repoId, generation }: { repoId: string; generation: number },
  executor: Executor = db(),
): Promise<{ skipped: string | null; files: number; chunks: number; pending: number }[]> {
  return await executor
    .select({
      skipped: codeFiles.skipped,
      files: count(),
      chunks: sql<number>`coalesce(sum(${codeFiles.chunkCount}), 0)::int`,
      pending: sql<number>`(count(*) filter (where ${codeFiles.indexedAt} is null))::int`,
    })
    .from(codeFiles)
    .where(and(eq(codeFiles.repoId, repoId), inGeneration(sql`${generation}`)))
    .groupBy(codeFiles.skipped);
}

/** Those of these files, by repository and key, that a search may show: of the generation that is whole. */
export async function visibleCodeFiles(
  { projectId, files }: { projectId: string; files: readonly { repoId: string; key: string }[] },
  executor: Executor = db(),
): Promise<{ repoId: string; key: string }[]> {
  if (files.length === 0) return [];
  const repoIds = [...new Set(files.map(({ repoId }) => repoId))];
  const keys = [...new Set(files.map(({ key }) => key))];
  return await executor
    .select({ repoId: codeFiles.repoId, key: codeFiles.key })
    .from(codeFiles)
    .innerJoin(repos, eq(repos.id, codeFiles.repoId))
    .where(
      and(
        eq(repos.projectId, projectId),
        inArray(codeFiles.repoId, repoIds),
        inArray(codeFiles.key, keys),
        inGeneration(sql`${repos.indexGeneration}`),
      ),
    );
}

const pendingOf = (repoId: string): SQL | undefined =>
  and(eq(codeFiles.repoId, repoId), isNull(codeFiles.indexedAt), isNull(codeFiles.toGeneration));

const inGeneration = (generation: SQL): SQL | undefined =>
  and(
    sql`${codeFiles.fromGeneration} <= ${generation}`,
    or(isNull(codeFiles.toGeneration), sql`${codeFiles.toGeneration} > ${generation}`),
  );

const isIndexing = ({ repoId, commitSha }: { repoId: string; commitSha: string }): SQL =>
  sql`exists (select 1 from ${repos} where ${repos.id} = ${repoId} and ${repos.indexingCommit} = ${commitSha})`;
