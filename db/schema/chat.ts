import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { createdAt, id, updatedAt } from "./columns.ts";
import { fileChunks, projectFiles } from "./files.ts";
import { projects } from "./projects.ts";
import { artifacts } from "./runs.ts";

export const chatThreads = pgTable(
  "chat_threads",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    title: text("title").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("chat_threads_project_idx").on(t.projectId),
    index("chat_threads_list_idx").on(t.projectId, t.createdAt, t.id),
  ],
);

export const messageRole = pgEnum("message_role", ["user", "assistant"]);

export const chatMessages = pgTable(
  "chat_messages",
  {
    id: id(),
    threadId: text("thread_id")
      .notNull()
      .references(() => chatThreads.id, { onDelete: "cascade" }),
    role: messageRole("role").notNull(),
    content: text("content").notNull(),
    /** The question that this answers; unique, so that a repeated event cannot answer twice. */
    inReplyTo: text("in_reply_to").references((): AnyPgColumn => chatMessages.id, {
      onDelete: "cascade",
    }),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
  },
  (t) => [
    index("chat_messages_thread_idx").on(t.threadId, t.createdAt),
    uniqueIndex("chat_messages_reply_key").on(t.inReplyTo),
  ],
);

/**
 * Where a sentence of an artifact or a message comes from. The chunk's and file's hashes, offsets and quote are
 * copied, so a citation can still be checked against the source after re-ingestion has retired its chunk.
 */
export const citations = pgTable(
  "citations",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    artifactId: text("artifact_id").references(() => artifacts.id, { onDelete: "cascade" }),
    messageId: text("message_id").references(() => chatMessages.id, { onDelete: "cascade" }),
    /** Its number in the text that cites, from 1. */
    ordinal: integer("ordinal").notNull(),
    // SET NULL on both: retiring chunks or removing a file must neither be stopped by a citation nor erase it.
    chunkId: text("chunk_id").references(() => fileChunks.id, { onDelete: "set null" }),
    fileId: text("file_id").references(() => projectFiles.id, { onDelete: "set null" }),
    fileName: text("file_name").notNull(),
    fileSha256: text("file_sha256").notNull(),
    extractionVersion: integer("extraction_version").notNull(),
    chunkSha256: text("chunk_sha256").notNull(),
    startOffset: integer("start_offset").notNull(),
    endOffset: integer("end_offset").notNull(),
    pageStart: integer("page_start"),
    pageEnd: integer("page_end"),
    quote: text("quote").notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index("citations_project_idx").on(t.projectId),
    uniqueIndex("citations_artifact_key").on(t.artifactId, t.ordinal),
    uniqueIndex("citations_message_key").on(t.messageId, t.ordinal),
    index("citations_chunk_idx").on(t.chunkId),
    index("citations_file_idx").on(t.fileId),
    check("citations_subject_check", sql`num_nonnulls(${t.artifactId}, ${t.messageId}) = 1`),
    check(
      "citations_offsets_check",
      sql`${t.startOffset} >= 0 and ${t.endOffset} > ${t.startOffset}`,
    ),
  ],
);
