import { hash } from "node:crypto";
import {
  and,
  asc,
  count,
  desc,
  eq,
  getTableColumns,
  inArray,
  isNull,
  lt,
  not,
  sql,
} from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { fileChunks, projectFiles } from "#db/schema.ts";
import type { Chunk } from "../ingest/document.ts";
import { isReplaced, nameNow } from "./file-names.server.ts";
import { looseQuery, strictQuery } from "./search-query.ts";
import { violates } from "./violation.ts";

/** The row without its full-text form, which only the database reads. */
export type FileChunk = Omit<typeof fileChunks.$inferSelect, "search">;

const { search, ...columns } = getTableColumns(fileChunks);

/** 500 rows of 15 values stay far below PostgreSQL's 65,535 parameters. */
const ROWS_PER_INSERT = 500;

/**
 * Writes chunks of one file as read by one extraction version; those that are there already stay as they are.
 * `inserted` counts the new ones. Chunks of a file that was removed meanwhile are not written.
 */
export async function insertChunks(
  input: {
    projectId: string;
    fileId: string;
    fileSha256: string;
    extractionVersion: number;
    chunks: readonly Chunk[];
  },
  executor: Executor = db(),
): Promise<{ inserted: number }> {
  const { chunks, ...identity } = input;
  let inserted = 0;
  for (let at = 0; at < chunks.length; at += ROWS_PER_INSERT) {
    const rows = chunks.slice(at, at + ROWS_PER_INSERT).map((chunk) => ({
      ...identity,
      ...chunk,
      contentSha256: hash("sha256", chunk.content, "hex"),
    }));
    try {
      const result = await executor.insert(fileChunks).values(rows).onConflictDoNothing();
      inserted += result.rowCount ?? 0;
    } catch (error) {
      if (!violates(error, "foreignKey")) throw error;
      return { inserted };
    }
  }
  return { inserted };
}

/** The next chunks without a vector, in the order of the document. */
export async function listUnindexed(
  input: { fileId: string; extractionVersion: number; limit: number },
  executor: Executor = db(),
): Promise<FileChunk[]> {
  return await executor
    .select(columns)
    .from(fileChunks)
    .where(and(ofVersion(input), isNull(fileChunks.indexedAt)))
    .orderBy(asc(fileChunks.ordinal))
    .limit(input.limit);
}

/** Says that these chunks have their vectors. Returns the ids of those whose rows are still there. */
export async function markIndexed(
  { ids }: { ids: readonly string[] },
  executor: Executor = db(),
): Promise<string[]> {
  const rows = await executor
    .update(fileChunks)
    .set({ indexedAt: sql`now()` })
    .where(inArray(fileChunks.id, [...ids]))
    .returning({ id: fileChunks.id });
  return rows.map(({ id }) => id);
}

/** Ids of chunks of the file that an older extraction version made. */
export async function listRetired(
  input: { fileId: string; extractionVersion: number; limit: number },
  executor: Executor = db(),
): Promise<string[]> {
  const rows = await executor
    .select({ id: fileChunks.id })
    .from(fileChunks)
    .where(
      and(
        eq(fileChunks.fileId, input.fileId),
        lt(fileChunks.extractionVersion, input.extractionVersion),
      ),
    )
    .limit(input.limit);
  return rows.map(({ id }) => id);
}

/** Removes chunks. Citations of them stay and keep what they quoted. */
export async function deleteChunks(
  { ids }: { ids: readonly string[] },
  executor: Executor = db(),
): Promise<void> {
  await executor.delete(fileChunks).where(inArray(fileChunks.id, [...ids]));
}

export async function countChunks(
  input: { fileId: string; extractionVersion: number },
  executor: Executor = db(),
): Promise<number> {
  const [row] = await executor.select({ n: count() }).from(fileChunks).where(ofVersion(input));
  return row?.n ?? 0;
}

/**
 * Chunks of one project with the names of their file, the one that stands for it now first, and whether it was replaced, in no
 * order; ids that are not (or no longer) there are left out.
 */
export async function getChunksWithFile(
  { projectId, ids }: { projectId: string; ids: readonly string[] },
  executor: Executor = db(),
): Promise<(FileChunk & { fileName: string; fileAliases: string[]; replaced: boolean })[]> {
  const file = { fileName: nameNow(), fileAliases: projectFiles.aliases };
  return await executor
    .select({ ...columns, ...file, replaced: isReplaced(sql`${fileChunks}.file_id`) })
    .from(fileChunks)
    .innerJoin(projectFiles, eq(projectFiles.id, fileChunks.fileId))
    .where(and(eq(fileChunks.projectId, projectId), inArray(fileChunks.id, [...ids])));
}

/**
 * The chunks of a project that match best by words, best first, scores from 0 to below 1; of files that were replaced, none.
 * `query` is what a person typed: all its words are looked for, then, when nothing has them all, any of them. Takes any text,
 * also none.
 */
export async function fullTextSearch(
  { projectId, query, limit }: { projectId: string; query: string; limit: number },
  executor: Executor = db(),
): Promise<{ chunkId: string; score: number }[]> {
  const find = async (text: string) => {
    const parsed = sql`websearch_to_tsquery('simple', ${text})`;
    // 32 scales a rank to rank / (rank + 1).
    const score = sql<number>`ts_rank_cd(${fileChunks.search}, ${parsed}, 32)`;
    const ranked = executor
      .select({ chunkId: fileChunks.id, score: score.as("score"), fileId: fileChunks.fileId })
      .from(fileChunks)
      .where(and(eq(fileChunks.projectId, projectId), sql`${fileChunks.search} @@ ${parsed}`))
      .orderBy(sql`2 desc`, asc(fileChunks.id))
      .as("ranked");
    // Ranked first: names are looked up of the best alone, until there are enough of them.
    return await executor
      .select({ chunkId: ranked.chunkId, score: ranked.score })
      .from(ranked)
      .where(not(isReplaced(sql`ranked.file_id`)))
      .orderBy(desc(ranked.score), asc(ranked.chunkId))
      .limit(limit);
  };
  const all = await find(strictQuery(query));
  return all.length > 0 ? all : await find(looseQuery(query));
}

function ofVersion(input: { fileId: string; extractionVersion: number }) {
  return and(
    eq(fileChunks.fileId, input.fileId),
    eq(fileChunks.extractionVersion, input.extractionVersion),
  );
}
