import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { createdAt, id, instant, tsvector, updatedAt } from "./columns.ts";
import { projects } from "./projects.ts";

/** `pending` waits for the bytes of a link. `ingested` and `rejected` are final for one extraction version. */
export const fileStatus = pgEnum("file_status", [
  "pending",
  "uploaded",
  "ingesting",
  "ingested",
  "rejected",
]);

export const projectFiles = pgTable(
  "project_files",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    /** Other names under which the same bytes came. */
    aliases: text("aliases").array().notNull().default(sql`'{}'::text[]`),
    title: text("title"),
    mimeType: text("mime_type").notNull(),
    format: text("format"),
    sizeBytes: bigint("size_bytes", { mode: "number" }),
    sha256: text("sha256"),
    sourceUrl: text("source_url"),
    /** What the sender of the link says the bytes are; kept so that a later try is held to it too. */
    expectedSha256: text("expected_sha256"),
    blobRef: text("blob_ref"),
    status: fileStatus("status").notNull(),
    extractionVersion: integer("extraction_version"),
    pageCount: integer("page_count"),
    chunkCount: integer("chunk_count"),
    rejectCode: text("reject_code"),
    rejectReason: text("reject_reason"),
    ingestedAt: instant("ingested_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    // The same bytes are one file of a project, whatever they are called: this is what makes ingestion idempotent.
    uniqueIndex("project_files_sha256_key").on(t.projectId, t.sha256),
    // One pending row per link; once its bytes are here the bytes' own hash identifies it.
    uniqueIndex("project_files_pending_url_key")
      .on(t.projectId, t.sourceUrl)
      .where(sql`${t.sha256} is null`),
    index("project_files_project_idx").on(t.projectId),
    index("project_files_list_idx").on(t.projectId, t.createdAt, t.id),
    // The sweeper's two questions, each answered by reading an index from its beginning: what waits longest, and what
    // the oldest extraction version made.
    index("project_files_unfinished_idx")
      .on(t.updatedAt)
      .where(sql`${t.status} in ('pending', 'uploaded', 'ingesting')`),
    index("project_files_ingested_version_idx")
      .on(t.extractionVersion, t.updatedAt)
      .where(sql`${t.status} = 'ingested'`),
    check("project_files_sha256_check", sql`${t.sha256} ~ '^[0-9a-f]{64}$'`),
    check("project_files_size_check", sql`${t.sizeBytes} >= 0`),
    check(
      "project_files_bytes_check",
      sql`(${t.sha256} is null) = (${t.blobRef} is null) and (${t.sha256} is null) = (${t.sizeBytes} is null)`,
    ),
    check(
      "project_files_pending_check",
      sql`case ${t.status}
        when 'pending' then ${t.sha256} is null and ${t.sourceUrl} is not null
        when 'rejected' then ${t.rejectCode} is not null and ${t.rejectReason} is not null
        when 'ingested' then ${t.sha256} is not null and ${t.extractionVersion} is not null
          and ${t.chunkCount} is not null and ${t.ingestedAt} is not null
        else ${t.sha256} is not null end`,
    ),
  ],
);

/**
 * When each file came under each name, last: of those of a name that could be read, the one that came last is what the name
 * stands for. Bytes come back under a name that had others meanwhile, and under names of other files.
 */
export const fileNames = pgTable(
  "file_names",
  {
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    // With a file goes that it came: the name stands for what came before it.
    fileId: text("file_id")
      .notNull()
      .references(() => projectFiles.id, { onDelete: "cascade" }),
    /** In microseconds, for the database alone: two that come at once have an order. */
    cameAt: timestamp("came_at", { withTimezone: true, mode: "string" }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.name, t.fileId] }),
    index("file_names_came_idx").on(t.projectId, t.name, t.cameAt, t.fileId),
    index("file_names_file_idx").on(t.fileId),
  ],
);

/**
 * Files whose row is gone while their bytes and vectors may still be there: written in the transaction that takes the row,
 * removed when they are, so that a sweeper finds the removals that did not end.
 */
export const fileRemovals = pgTable(
  "file_removals",
  {
    fileId: text("file_id").primaryKey(),
    // With its project goes everything under the project's prefix: nothing is left to remove.
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    /** Its ingestion may have been under way, and writes until it sees that the row is gone. */
    ingesting: boolean("ingesting").notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("file_removals_project_idx").on(t.projectId),
    index("file_removals_updated_idx").on(t.updatedAt),
  ],
);

/**
 * What full text sees of a chunk. PostgreSQL takes a run of Han or kana as one word, so each of these characters
 * is set apart: a query for a word of them is then a phrase of single characters, found anywhere in a sentence.
 * `lib/data/chunks.server.ts` treats queries the same way.
 */
const searchText = (column: string) =>
  sql.raw(
    String.raw`regexp_replace("${column}", '([\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g')`,
  );

export const fileChunks = pgTable(
  "file_chunks",
  {
    /** Made by the chunker from the content: writing a chunk again is a conflict that does nothing. */
    id: text("id").primaryKey(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    fileId: text("file_id")
      .notNull()
      .references(() => projectFiles.id, { onDelete: "cascade" }),
    fileSha256: text("file_sha256").notNull(),
    extractionVersion: integer("extraction_version").notNull(),
    ordinal: integer("ordinal").notNull(),
    content: text("content").notNull(),
    breadcrumbs: text("breadcrumbs").notNull(),
    contentSha256: text("content_sha256").notNull(),
    tokenCount: integer("token_count").notNull(),
    pageStart: integer("page_start"),
    pageEnd: integer("page_end"),
    startOffset: integer("start_offset").notNull(),
    endOffset: integer("end_offset").notNull(),
    /** Null until its vector is written. */
    indexedAt: instant("indexed_at"),
    createdAt: createdAt(),
    // 'simple' because it drops no words and stems in no language: documents come in any.
    search: tsvector("search")
      .notNull()
      .generatedAlwaysAs(
        sql`setweight(to_tsvector('simple', ${searchText("breadcrumbs")}), 'B') || to_tsvector('simple', ${searchText("content")})`,
      ),
  },
  (t) => [
    index("file_chunks_project_file_idx").on(t.projectId, t.fileId),
    uniqueIndex("file_chunks_ordinal_key").on(t.fileId, t.extractionVersion, t.ordinal),
    index("file_chunks_unindexed_idx")
      .on(t.fileId, t.extractionVersion, t.ordinal)
      .where(sql`${t.indexedAt} is null`),
    index("file_chunks_file_id_idx").on(t.fileId, t.id),
    // With the project inside (btree_gin), a word that every project uses costs only this project's postings.
    index("file_chunks_search_idx").using("gin", t.projectId, t.search),
    check(
      "file_chunks_offsets_check",
      sql`${t.ordinal} >= 0 and ${t.startOffset} >= 0 and ${t.endOffset} >= ${t.startOffset}`,
    ),
  ],
);
