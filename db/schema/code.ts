import { sql } from "drizzle-orm";
import { index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";
import { repos } from "./delivery.ts";

/**
 * One version of a file of a repository in its code index: what is searched is the set of one generation, which changes as
 * a whole when the repository's `index_generation` does.
 */
export const codeFiles = pgTable(
  "code_files",
  {
    repoId: text("repo_id")
      .notNull()
      .references(() => repos.id, { onDelete: "cascade" }),
    /** Of the path, the content and how it is cut; the ids of its vectors begin with it. */
    key: text("key").notNull(),
    path: text("path").notNull(),
    blobSha: text("blob_sha").notNull(),
    language: text("language").notNull(),
    /** At which it was indexed: later commits that have the same file do not write it again. */
    commitSha: text("commit_sha").notNull(),
    /** The first generation that has it, and the first that does not: null for one that has not gone. */
    fromGeneration: integer("from_generation").notNull(),
    toGeneration: integer("to_generation"),
    /** How many vectors it has or is about to have; null before it was read. */
    chunkCount: integer("chunk_count"),
    /** Why its content is not indexed: it is known only once it was read. */
    skipped: text("skipped"),
    /** Null until its vectors are written. */
    indexedAt: instant("indexed_at"),
  },
  (t) => [
    primaryKey({ columns: [t.repoId, t.key] }),
    index("code_files_pending_idx")
      .on(t.repoId, t.language, t.key)
      .where(sql`${t.indexedAt} is null`),
    index("code_files_gone_idx")
      .on(t.repoId, t.toGeneration)
      .where(sql`${t.toGeneration} is not null`),
  ],
);
