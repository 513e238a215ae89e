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
import { createdAt, id, instant, updatedAt } from "./columns.ts";
import { repos } from "./delivery.ts";
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
/** What has become of a question: it waits for its answer, has it, or there will be none unless somebody asks again. */
export const messageState = pgEnum("message_state", ["pending", "answered", "failed"]);

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
    /** Of a question; null for an answer. */
    state: messageState("state"),
    /** Why there is no answer, and what a person can do about it. */
    error: text("error"),
    remediation: text("remediation"),
    /** Since when it waits for its answer: since it was written, or was sent again after it had failed. */
    waitsSince: instant("waits_since").notNull().defaultNow(),
    /** When somebody was last woken to answer it; the sweeper's question. */
    wokenAt: instant("woken_at").notNull().defaultNow(),
    /** Rises within a thread, since it is given under the thread's lock: it is the order of the conversation. */
    createdAt: createdAt(),
  },
  (t) => [
    index("chat_messages_thread_idx").on(t.threadId, t.createdAt, t.id),
    uniqueIndex("chat_messages_reply_key").on(t.inReplyTo),
    index("chat_messages_pending_idx")
      .on(t.threadId, t.createdAt)
      .where(sql`${t.state} = 'pending'`),
    index("chat_messages_woken_idx").on(t.wokenAt).where(sql`${t.state} = 'pending'`),
    check("chat_messages_state_check", sql`${t.state} is null or ${t.role} = 'user'`),
    check(
      "chat_messages_error_check",
      sql`coalesce(${t.state} = 'failed', false) = (${t.error} is not null)`,
    ),
  ],
);

/**
 * Where a sentence of an artifact or a message comes from: a document, a version of an artifact, or code of a repository.
 * Hashes, offsets and quote are copied, so a citation can still be checked against the source when its row is gone.
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
    fileName: text("file_name"),
    fileSha256: text("file_sha256"),
    extractionVersion: integer("extraction_version"),
    chunkSha256: text("chunk_sha256"),
    pageStart: integer("page_start"),
    pageEnd: integer("page_end"),
    // SET NULL, as for files. What it was is copied beside it.
    citedArtifactId: text("cited_artifact_id").references(() => artifacts.id, {
      onDelete: "set null",
    }),
    artifactKind: text("artifact_kind"),
    artifactKey: text("artifact_key"),
    artifactVersion: integer("artifact_version"),
    artifactSha256: text("artifact_sha256"),
    repoId: text("repo_id").references(() => repos.id, { onDelete: "set null" }),
    codePath: text("code_path"),
    commitSha: text("commit_sha"),
    lineStart: integer("line_start"),
    lineEnd: integer("line_end"),
    codeSha256: text("code_sha256"),
    /** In the content of the chunk or artifact, or in the text of the lines: UTF-16 units. */
    startOffset: integer("start_offset").notNull(),
    endOffset: integer("end_offset").notNull(),
    quote: text("quote").notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index("citations_project_idx").on(t.projectId),
    uniqueIndex("citations_artifact_key").on(t.artifactId, t.ordinal),
    uniqueIndex("citations_message_key").on(t.messageId, t.ordinal),
    index("citations_chunk_idx").on(t.chunkId),
    index("citations_file_idx").on(t.fileId),
    index("citations_cited_artifact_idx").on(t.citedArtifactId),
    index("citations_repo_idx").on(t.repoId),
    check("citations_subject_check", sql`num_nonnulls(${t.artifactId}, ${t.messageId}) = 1`),
    // One kind of source, whole, and nothing of the others.
    check(
      "citations_source_check",
      sql`num_nonnulls(${t.fileName}, ${t.artifactKind}, ${t.codePath}) = 1
        and num_nonnulls(${t.fileName}, ${t.fileSha256}, ${t.extractionVersion}, ${t.chunkSha256}) in (0, 4)
        and (${t.fileName} is not null or num_nonnulls(${t.chunkId}, ${t.fileId}, ${t.pageStart}, ${t.pageEnd}) = 0)
        and num_nonnulls(${t.artifactKind}, ${t.artifactKey}, ${t.artifactVersion}, ${t.artifactSha256}) in (0, 4)
        and (${t.artifactKind} is not null or ${t.citedArtifactId} is null)
        and num_nonnulls(${t.codePath}, ${t.commitSha}, ${t.lineStart}, ${t.lineEnd}, ${t.codeSha256}) in (0, 5)
        and (${t.codePath} is not null or ${t.repoId} is null)`,
    ),
    check(
      "citations_offsets_check",
      sql`${t.startOffset} >= 0 and ${t.endOffset} > ${t.startOffset}`,
    ),
  ],
);
