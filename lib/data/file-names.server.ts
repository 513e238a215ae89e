import { eq, type SQL, sql } from "drizzle-orm";
import type { Tx } from "#db/client.ts";
import { fileNames, projectFiles } from "#db/schema.ts";

/** Other names of the same bytes beyond this many are not kept: names are a courtesy, rows are bounded. */
const MAX_ALIASES = 20;

/** SQL for the row's aliases with `name` among them, unless the file has that name already. */
export function aliasesWith(name: string): SQL {
  const { aliases } = projectFiles;
  return sql`case
    when ${projectFiles.name} = ${name} or ${name} = any(${aliases}) or cardinality(${aliases}) >= ${MAX_ALIASES}
    then ${aliases} else array_append(${aliases}, ${name}) end`;
}

/**
 * Says that a file came under a name. A repeat never makes it older; with `keep`, it stays when it first came.
 * @param input.at when; never later than now, whatever its sender's clock says
 */
export async function nameCame(
  input: { projectId: string; name: string; fileId: string; at?: Date | undefined; keep?: boolean },
  tx: Tx,
): Promise<void> {
  const { projectId, name, fileId, at, keep = false } = input;
  // Not the beginning of the transaction: who waited for another one came after it.
  const now = sql`clock_timestamp()`;
  const cameAt = at ? sql<string>`least(${at.toISOString()}::timestamptz, ${now})` : now;
  const insert = tx.insert(fileNames).values({ projectId, name, fileId, cameAt });
  if (keep) await insert.onConflictDoNothing();
  else await insert.onConflictDoUpdate(later());
}

/** Gives the names of one file to another of its project, each with the later time of the two. */
export async function moveNames({ from, to }: { from: string; to: string }, tx: Tx): Promise<void> {
  const moved = tx
    .select({
      projectId: fileNames.projectId,
      name: fileNames.name,
      fileId: sql<string>`${to}`.as("file_id"),
      cameAt: fileNames.cameAt,
    })
    .from(fileNames)
    .where(eq(fileNames.fileId, from));
  await tx.insert(fileNames).select(moved).onConflictDoUpdate(later());
}

function later() {
  return {
    target: [fileNames.projectId, fileNames.name, fileNames.fileId],
    set: { cameAt: sql`greatest(${fileNames.cameAt}, excluded.came_at)` },
  };
}

/**
 * The id of the file that a name of a project stands for, as a part of a query: of those that could be read, the one that
 * came under it last. Null when there is none.
 */
export function standsFor(projectId: SQL, name: SQL): SQL<string | null> {
  return sql<string | null>`(
    select came.file_id from ${fileNames} came join ${projectFiles} readable on readable.id = came.file_id
    where came.project_id = ${projectId} and came.name = ${name}
      and readable.ingested_at is not null and readable.status <> 'rejected'
    order by came.came_at desc, came.file_id desc limit 1)`;
}

/**
 * What a file is called now, as a part of a query over files: its name, or, when that stands for another file, one that
 * stands for it, if there is one.
 */
export function nameNow(): SQL<string> {
  const standing = standsFor(sql`own.project_id`, sql`own.name`);
  return sql<string>`coalesce((
    select own.name from ${fileNames} own
    where own.file_id = project_files.id and ${standing} = own.file_id
    order by own.name = project_files.name desc, own.came_at desc, own.name limit 1), project_files.name)`;
}

/**
 * Whether every name of a file stands for another one now, as a part of a query: whoever asks for it by name gets the other. Not of
 * a file without names, nor while one of them stands for none.
 */
export function isReplaced(fileId: SQL): SQL<boolean> {
  const standing = standsFor(sql`own.project_id`, sql`own.name`);
  return sql<boolean>`coalesce((
    select bool_and(coalesce(${standing} <> own.file_id, false)) from ${fileNames} own
    where own.file_id = ${fileId}), false)`;
}
