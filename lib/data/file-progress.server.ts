import {
  and,
  countDistinct,
  eq,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { db, type Executor } from "#db/client.ts";
import { fileNames, projectFiles, projects } from "#db/schema.ts";
import { redactText } from "../redact.ts";
import type { ProjectFile } from "./files.server.ts";

/** Says that work on a file's bytes has begun. Returns null when the file is gone or has no bytes. */
export async function markIngesting(
  { fileId }: { fileId: string },
  executor: Executor = db(),
): Promise<ProjectFile | null> {
  const [file] = await executor
    .update(projectFiles)
    .set({ status: "ingesting", rejectCode: null, rejectReason: null })
    .where(and(eq(projectFiles.id, fileId), isNotNull(projectFiles.sha256)))
    .returning();
  return file ?? null;
}

/**
 * Says that a file is searchable. A repeat keeps the time of the first. Returns null when the file is gone or a newer
 * extraction version has finished it.
 */
export async function markIngested(
  input: {
    fileId: string;
    extractionVersion: number;
    format: string;
    title?: string | undefined;
    pageCount: number | null;
    chunkCount: number;
  },
  executor: Executor = db(),
): Promise<ProjectFile | null> {
  const { fileId, extractionVersion, title = null, ...found } = input;
  const already = and(eq(projectFiles.status, "ingested"), madeBy(eq, extractionVersion));
  const [file] = await executor
    .update(projectFiles)
    .set({
      ...found,
      title,
      extractionVersion,
      status: "ingested",
      rejectCode: null,
      rejectReason: null,
      ingestedAt: sql`case when ${already} then ${projectFiles.ingestedAt} else now() end`,
    })
    .where(
      and(
        eq(projectFiles.id, fileId),
        isNotNull(projectFiles.sha256),
        or(isNull(projectFiles.extractionVersion), madeBy(lte, extractionVersion)),
      ),
    )
    .returning();
  return file ?? null;
}

/**
 * Says why a file can never be ingested as it is. Returns null, and changes nothing, when the file is gone or this or a
 * newer extraction version has ingested it: a late refusal does not hide what can be found. With `pending` neither when it has
 * bytes: another has fetched them.
 */
export async function markRejected(
  input: {
    fileId: string;
    extractionVersion: number;
    code: string;
    reason: string;
    pending?: boolean;
  },
  executor: Executor = db(),
): Promise<ProjectFile | null> {
  const { fileId, extractionVersion, code } = input;
  const reason = redactText(input.reason);
  const [file] = await executor
    .update(projectFiles)
    .set({ status: "rejected", rejectCode: code, rejectReason: reason, extractionVersion })
    .where(
      and(
        eq(projectFiles.id, fileId),
        input.pending ? isNull(projectFiles.sha256) : undefined,
        or(ne(projectFiles.status, "ingested"), madeBy(lt, extractionVersion)),
      ),
    )
    .returning();
  return file ?? null;
}

/**
 * How many files of a project were never searchable and may become so, of those that came before `until`; `awaited`: of them
 * those that came in the last `fileMs`, or, while their link is not fetched, `linkMs`.
 */
export async function countUnread(
  input: { projectId: string; until: Date; linkMs: number; fileMs: number },
  executor: Executor = db(),
): Promise<{ unread: number; awaited: number }> {
  const { projectId, until, linkMs, fileMs } = input;
  const { id, status, ingestedAt } = projectFiles;
  const { cameAt } = fileNames;
  const patience = sql`case ${status} when 'pending' then ${linkMs}::int else ${fileMs}::int end`;
  const awaited = sql`${cameAt} > now() - ${patience} * interval '1 millisecond'`;
  const [row] = await executor
    .select({
      unread: countDistinct(id),
      awaited: sql<number>`count(distinct ${id}) filter (where ${awaited})`.mapWith(Number),
    })
    .from(projectFiles)
    .innerJoin(fileNames, eq(fileNames.fileId, id))
    .where(
      and(
        eq(projectFiles.projectId, projectId),
        // Spelled as in the partial index.
        sql`${status} in ('pending', 'uploaded', 'ingesting')`,
        isNull(ingestedAt),
        lte(cameAt, until.toISOString()),
      ),
    );
  return row ?? { unread: 0, awaited: 0 };
}

/** Longer than an event goes on trying to fetch its link: ten times, the pauses growing to two hours. */
const LINK_ALIVE_MS = 8 * 60 * 60_000;

/** Nothing is tried more rarely: a file that is ingested again, or a link that is sent again, may have come years ago. */
const LONGEST_PAUSE_MS = 24 * 60 * 60_000;

/** A file that nobody has worked on for too long. */
export interface LeftBehind {
  readonly projectId: string;
  readonly fileId: string;
  /** ISO 8601: tells this claim from an earlier one of the same file. */
  readonly claimedAt: string;
}

/**
 * Takes files that were left behind and stamps them, so that each is taken once per `olderThanMs` by however many
 * sweepers: unfinished files, the longest waiting first and each after twice the time that it waited before, at most a day
 * later, so that what never works is tried ever more rarely; then those that an older extraction version made, the oldest
 * version first. Those of projects that are being deleted are not taken.
 */
export async function claimLeftBehind(
  input: { olderThanMs: number; extractionVersion: number; limit: number },
  executor: Executor = db(),
): Promise<LeftBehind[]> {
  const { olderThanMs, limit } = input;
  const { status, extractionVersion, updatedAt } = projectFiles;
  // Two statements, because together no index would give their order. The states are spelled as in the partial
  // indexes, which are used only then.
  // A link without its credential only its own event can fetch: not before that one has surely given up.
  const unfinished = sql`${status} in ('pending', 'uploaded', 'ingesting')
    and ${updatedAt} < now() - least(${updatedAt} - ${projectFiles.createdAt}, ${LONGEST_PAUSE_MS} * interval '1 millisecond')
    and not (${status} = 'pending' and ${projectFiles.sourceUrl} like '%[redacted:%'
      and ${updatedAt} > now() - ${LINK_ALIVE_MS} * interval '1 millisecond')`;
  const claimed = await claim({ olderThanMs, limit, which: unfinished, by: [updatedAt] }, executor);
  if (claimed.length === limit) return claimed;
  const outdated = sql`${status} = 'ingested' and ${madeBy(lt, input.extractionVersion)}`;
  const more = await claim(
    {
      olderThanMs,
      limit: limit - claimed.length,
      which: outdated,
      by: [extractionVersion, updatedAt],
    },
    executor,
  );
  return [...claimed, ...more];
}

async function claim(
  input: { olderThanMs: number; limit: number; which: SQL; by: AnyPgColumn[] },
  executor: Executor,
): Promise<LeftBehind[]> {
  const { id, projectId, updatedAt } = projectFiles;
  const due = executor
    .select({ id })
    .from(projectFiles)
    .innerJoin(projects, and(eq(projects.id, projectId), eq(projects.status, "active")))
    .where(
      and(input.which, lt(updatedAt, sql`now() - ${input.olderThanMs} * interval '1 millisecond'`)),
    )
    .orderBy(...input.by)
    .limit(input.limit)
    .for("update", { of: projectFiles, skipLocked: true });
  const rows = await executor
    .update(projectFiles)
    .set({ updatedAt: sql`now()` })
    .where(inArray(id, due))
    .returning({ projectId, fileId: id, claimedAt: updatedAt });
  return rows.map((row) => ({ ...row, claimedAt: row.claimedAt.toISOString() }));
}

function madeBy(compare: typeof eq, extractionVersion: number) {
  return compare(projectFiles.extractionVersion, extractionVersion);
}
