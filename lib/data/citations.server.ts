import { asc, eq, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { db, type Executor, type Tx } from "#db/client.ts";
import { artifacts, citations, fileChunks, projectFiles } from "#db/schema.ts";
import { newId } from "../ids.ts";
import type { PinnedCitation } from "../retrieval/citations.ts";

export type Citation = typeof citations.$inferSelect;

/** A citation is outdated once its source is removed, replaced under the same name, or no longer has that passage. */
export type ReadCitation = Citation & { readonly outdated: boolean };

/** What cites: a version of an artifact, or a message of a chat. */
export type Citing =
  | { readonly artifactId: string; readonly messageId?: undefined }
  | { readonly messageId: string; readonly artifactId?: undefined };

/** 100 rows of 17 values stay far below PostgreSQL's 65,535 parameters. */
const ROWS_PER_INSERT = 100;

/** Writes the citations of one text, numbered from 1 in their order; a repeat changes nothing. */
export async function insertCitations(
  citing: Citing & { projectId: string },
  pinned: readonly PinnedCitation[],
  tx: Tx,
): Promise<void> {
  const rows = pinned.map((citation, i) => ({
    ...citing,
    ...citation,
    id: newId("citation"),
    ordinal: i + 1,
  }));
  for (let at = 0; at < rows.length; at += ROWS_PER_INSERT) {
    await tx
      .insert(citations)
      .values(rows.slice(at, at + ROWS_PER_INSERT))
      .onConflictDoNothing();
  }
}

/** The citations of one text in the order of their numbers, each with whether its source has changed since. */
export async function listCitations(
  citing: Citing,
  executor: Executor = db(),
): Promise<ReadCitation[]> {
  const of =
    citing.artifactId === undefined
      ? eq(citations.messageId, citing.messageId)
      : eq(citations.artifactId, citing.artifactId);
  const rows = await executor
    .select({ citation: citations, outdated: isOutdated() })
    .from(citations)
    .where(of)
    .orderBy(asc(citations.ordinal));
  return rows.map(({ citation, outdated }) => ({ ...citation, outdated }));
}

/** Whether an artifact cites a source that has changed since, as a part of a query over artifacts. */
export function hasOutdated(): SQL<boolean> {
  return sql<boolean>`exists (
    select 1 from ${citations} where ${full(citations.artifactId)} = ${full(artifacts.id)} and ${isOutdated()})`;
}

/**
 * The source of a citation is another one now. Derived whenever it is asked for, so it can neither be forgotten nor be
 * left standing: a file was removed; or one of the same name and other content came after it; or it was read anew and
 * nothing in it says the same.
 */
function isOutdated(): SQL<boolean> {
  return sql<boolean>`(
    ${full(citations.fileId)} is null
    or exists (
      select 1 from ${projectFiles} newer join ${projectFiles} cited on cited.id = ${full(citations.fileId)}
      where newer.project_id = ${full(citations.projectId)} and newer.name = cited.name
        and newer.status = 'ingested' and newer.id <> cited.id and newer.created_at > cited.created_at)
    or (${full(citations.chunkId)} is null and not exists (
      select 1 from ${fileChunks} same
      where same.file_id = ${full(citations.fileId)} and same.content_sha256 = ${full(citations.chunkSha256)})))`;
}

/** A column with its table's name, which Drizzle leaves out in a query of one table: inside a subquery it means another then. */
function full(column: AnyPgColumn): SQL {
  return sql`${column.table}.${sql.identifier(column.name)}`;
}
