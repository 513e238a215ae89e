import { asc, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { db, type Executor, type Tx } from "#db/client.ts";
import { artifacts, citations, fileChunks } from "#db/schema.ts";
import { newId } from "../ids.ts";
import type {
  ArtifactCitation,
  CodeCitation,
  Pinned,
  PinnedCitation,
} from "../retrieval/citations.ts";
import { standsFor } from "./file-names.server.ts";

export type Citation = typeof citations.$inferSelect;

/** What a citation is whatever it cites. It is outdated once its source is removed, replaced, or has a newer version. */
interface Common {
  readonly id: string;
  readonly projectId: string;
  readonly artifactId: string | null;
  readonly messageId: string | null;
  readonly ordinal: number;
  readonly createdAt: Date;
  readonly outdated: boolean;
}

/** Rows outlive what they cite: the ids may be null where a pinned citation has them. */
type Kept<T, Ids extends keyof T> = Omit<T, Ids> & { readonly [K in Ids]: T[K] | null };

export type FileCitation = Common & { type: "file" } & Kept<PinnedCitation, "chunkId" | "fileId">;
export type ReadCitation =
  | FileCitation
  | (Common & { type: "artifact" } & Kept<ArtifactCitation, "citedArtifactId">)
  | (Common & { type: "code" } & Kept<CodeCitation, "repoId">);

/** What cites: a version of an artifact, or a message of a chat. */
export type Citing =
  | { readonly artifactId: string; readonly messageId?: undefined }
  | { readonly messageId: string; readonly artifactId?: undefined };

/** 100 rows of 27 values stay far below PostgreSQL's 65,535 parameters. */
const ROWS_PER_INSERT = 100;

/** Writes the citations of one text, numbered from 1 in their order; a repeat changes nothing. */
export async function insertCitations(
  citing: Citing & { projectId: string },
  pinned: readonly Pinned[],
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

/** How many citations an artifact has. */
export async function countCitations(
  { artifactId }: { artifactId: string },
  executor: Executor = db(),
): Promise<number> {
  return await executor.$count(citations, eq(citations.artifactId, artifactId));
}

/** The citations of an artifact in the order of their numbers, each with whether its source has changed since. */
export async function listCitations(
  { artifactId }: { artifactId: string },
  executor: Executor = db(),
): Promise<ReadCitation[]> {
  return await readCitations(eq(citations.artifactId, artifactId), executor);
}

/** Whether an artifact cites a source that has changed since, where these citations of the same text have another instead. */
export async function repinsOutdated(
  { artifactId }: { artifactId: string },
  pinned: readonly Pinned[],
  executor: Executor = db(),
): Promise<boolean> {
  const before = await listCitations({ artifactId }, executor);
  return before.some((citation) => {
    const now = Object.entries(pinned[citation.ordinal - 1] ?? {});
    const was: Readonly<Record<string, unknown>> = { ...citation };
    return citation.outdated && now.some(([name, value]) => was[name] !== value);
  });
}

/** The citations of messages, those of one message together and in the order of their numbers. */
export async function citationsOfMessages(
  { ids }: { ids: readonly string[] },
  executor: Executor = db(),
): Promise<ReadCitation[]> {
  if (ids.length === 0) return [];
  return await readCitations(inArray(citations.messageId, [...ids]), executor);
}

async function readCitations(of: SQL | undefined, executor: Executor): Promise<ReadCitation[]> {
  const rows = await executor
    .select({ citation: citations, outdated: isOutdated() })
    .from(citations)
    .where(of)
    .orderBy(asc(citations.messageId), asc(citations.ordinal));
  return rows.map(({ citation, outdated }) => typed(citation, outdated));
}

/** By the columns that it fills; a check of the table holds that they are those of one kind, and whole. */
function typed(row: Citation, outdated: boolean): ReadCitation {
  const type = row.fileName !== null ? "file" : row.artifactKind !== null ? "artifact" : "code";
  return { ...row, type, outdated } as ReadCitation;
}

/** Whether an artifact cites a source that has changed since, as a part of a query over artifacts. */
export function hasOutdated(): SQL<boolean> {
  return sql<boolean>`exists (
    select 1 from ${citations} where ${full(citations.artifactId)} = ${full(artifacts.id)} and ${isOutdated()})`;
}

/**
 * The source of a citation is another one now. Derived whenever it is asked for, so it can neither be forgotten nor be
 * left standing: a file was removed; or the name under which it is cited stands for another one; or it was read anew and
 * nothing in it says the same; or an artifact has a newer version; or a repository is not connected any more.
 */
function isOutdated(): SQL<boolean> {
  return sql<boolean>`(case
    when ${full(citations.fileName)} is not null then
      ${full(citations.fileId)} is null
      or coalesce(${standsFor(full(citations.projectId), full(citations.fileName))}, ${full(citations.fileId)}) <> ${full(citations.fileId)}
      or (${full(citations.chunkId)} is null and not exists (
        select 1 from ${fileChunks} same
        where same.file_id = ${full(citations.fileId)} and same.content_sha256 = ${full(citations.chunkSha256)}))
    when ${full(citations.artifactKind)} is not null then exists (
      select 1 from ${artifacts} newer
      where newer.project_id = ${full(citations.projectId)} and newer.kind = ${full(citations.artifactKind)}
        and newer.logical_key = ${full(citations.artifactKey)} and newer.version > ${full(citations.artifactVersion)})
    else ${full(citations.repoId)} is null end)`;
}

/** A column with its table's name, which Drizzle leaves out in a query of one table: inside a subquery it means another then. */
function full(column: AnyPgColumn): SQL {
  return sql`${column.table}.${sql.identifier(column.name)}`;
}
