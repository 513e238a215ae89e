import { createHash } from "node:crypto";
import { and, desc, eq, isNull, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { fileRemovals, projectFiles, projects } from "#db/schema.ts";
import { Conflict, NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";
import { moveNames, nameCame } from "./file-names.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";
import { violates } from "./violation.ts";

export type ProjectFile = typeof projectFiles.$inferSelect;

/** Other names of the same bytes beyond this many are not kept: names are a courtesy, rows are bounded. */
const MAX_ALIASES = 20;
/** Each attempt beyond the first needs somebody to remove the other file at that very moment. */
const MAX_ATTACH_ATTEMPTS = 5;

/** SQL for the row's aliases with `name` among them, unless the file has that name already. */
function aliasesWith(name: string) {
  const { aliases } = projectFiles;
  return sql`case
    when ${projectFiles.name} = ${name} or ${name} = any(${aliases}) or cardinality(${aliases}) >= ${MAX_ALIASES}
    then ${aliases} else array_append(${aliases}, ${name}) end`;
}

/**
 * Registers bytes that are in the blob store. Bytes that the project has already are the same file, which learns
 * another name; `created` is then false and the caller's copy in `blobRef` is not used. Either way it is what the name
 * stands for from now on.
 * @param input.id chosen by the caller when the blob is named after it
 * @param input.sha256 of the bytes, 64 lower-case hex digits
 * Throws NotFound when the project is gone or being deleted.
 */
export async function registerUpload(
  input: {
    id?: string;
    projectId: string;
    name: string;
    mimeType: string;
    sizeBytes: number;
    sha256: string;
    blobRef: string;
  },
  executor: Executor = db(),
): Promise<{ file: ProjectFile; created: boolean }> {
  const { id = newId("file"), ...given } = input;
  const name = redactText(given.name);
  const values = { ...given, name, mimeType: redactText(given.mimeType) };
  return await executor.transaction(async (tx) => {
    await inActiveProject(input.projectId, tx);
    const [file] = await tx
      .insert(projectFiles)
      .values({ ...values, id, status: "uploaded" })
      .onConflictDoUpdate({
        target: [projectFiles.projectId, projectFiles.sha256],
        set: { aliases: aliasesWith(name), updatedAt: sql`${projectFiles.updatedAt}` },
      })
      .returning();
    if (!file) throw new Error("an upsert returned no row");
    await nameCame({ projectId: input.projectId, name, fileId: file.id }, tx);
    return { file, created: file.id === id };
  });
}

/**
 * Registers a link whose bytes are still to be fetched; a link that waits already is the same row, and the newest
 * `sha256`, if any was given, is what its bytes must have. Name and link are redacted.
 * @param input.at when it was asked for: asked again later, it does not take the name from what came meanwhile
 * Throws NotFound when the project is gone or being deleted.
 */
export async function registerLink(
  {
    projectId,
    name: givenName,
    url,
    sha256: expectedSha256,
    at,
  }: {
    projectId: string;
    name: string;
    url: string;
    sha256?: string | undefined;
    at?: Date | undefined;
  },
  executor: Executor = db(),
): Promise<{ file: ProjectFile; created: boolean }> {
  const id = newId("file");
  const name = redactText(givenName);
  const sourceUrl = storableUrl(url);
  const mimeType = "application/octet-stream";
  return await executor.transaction(async (tx) => {
    await inActiveProject(projectId, tx);
    const [file] = await tx
      .insert(projectFiles)
      .values({ id, projectId, name, mimeType, sourceUrl, expectedSha256, status: "pending" })
      .onConflictDoUpdate({
        target: [projectFiles.projectId, projectFiles.sourceUrl],
        targetWhere: isNull(projectFiles.sha256),
        // An undefined value leaves the column as it is.
        set: { aliases: aliasesWith(name), expectedSha256 },
      })
      .returning();
    if (!file) throw new Error("an upsert returned no row");
    // While it waits, it came when it was first asked for: the sweeper asks again, and that is no news.
    await nameCame({ projectId, name, fileId: file.id, at, keep: true }, tx);
    return { file, created: file.id === id };
  });
}

/** How much of a link is kept; an event takes 2,048 characters. */
const MAX_STORED_URL = 2000;

/** The link without its credentials. Two that differ in those alone stay two, by a hash. */
function storableUrl(url: string): string {
  const redacted = redactText(url);
  if (redacted === url) return url;
  const hash = createHash("sha256").update(url).digest("hex");
  return `${redacted.slice(0, MAX_STORED_URL)}#${hash.slice(0, 16)}`;
}

/** Throws NotFound when the project has no such file. */
export async function getFile(
  { projectId, fileId }: { projectId: string; fileId: string },
  executor: Executor = db(),
): Promise<ProjectFile> {
  const file = await findFile({ fileId }, executor);
  if (file?.projectId !== projectId) {
    throw new NotFound("file_not_found", `There is no file ${fileId} in this project.`);
  }
  return file;
}

/** A file of whatever project, for work that was given its id by us; null when it is gone. */
export async function findFile(
  { fileId }: { fileId: string },
  executor: Executor = db(),
): Promise<ProjectFile | null> {
  const [file] = await executor.select().from(projectFiles).where(eq(projectFiles.id, fileId));
  return file ?? null;
}

/** A project's files, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listFiles(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<ProjectFile>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(projectFiles)
    .where(and(eq(projectFiles.projectId, input.projectId), behind(projectFiles, input.cursor)))
    .orderBy(desc(projectFiles.createdAt), desc(projectFiles.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/**
 * Removes a file with its chunks, and leaves a trace of what has to go with it outside the database. Returns the row that
 * went, null when it was gone before.
 */
export async function deleteFile(
  { projectId, fileId }: { projectId: string; fileId: string },
  executor: Executor = db(),
): Promise<ProjectFile | null> {
  return await executor.transaction(async (tx) => {
    const [file] = await tx
      .delete(projectFiles)
      .where(and(eq(projectFiles.id, fileId), eq(projectFiles.projectId, projectId)))
      .returning();
    if (!file) return null;
    const ingesting = file.status !== "ingested" && file.status !== "rejected";
    await tx.insert(fileRemovals).values({ fileId, projectId, ingesting }).onConflictDoNothing();
    return file;
  });
}

/** Removes all files of a project with their chunks. Returns how many there were. */
export async function deleteFiles(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<number> {
  const { rowCount } = await executor
    .delete(projectFiles)
    .where(eq(projectFiles.projectId, projectId));
  return rowCount ?? 0;
}

/**
 * Holds a project until the transaction ends, so that its deletion comes before or after. Throws NotFound when it is gone or
 * being deleted.
 */
async function inActiveProject(projectId: string, tx: Tx): Promise<void> {
  const found = await tx
    .select({ id: projects.id })
    .from(projects)
    .where(and(eq(projects.id, projectId), eq(projects.status, "active")))
    .for("share");
  if (found.length > 0) return;
  throw new NotFound("project_not_found", `There is no project ${projectId}.`);
}

/**
 * Gives a pending file its bytes. When the project has the same bytes already, the pending row goes, its names move to
 * the other file, and that one is returned with `merged`: the caller's copy in `blobRef` is then not used.
 * Throws NotFound when the file is gone, Conflict when it has other bytes.
 */
export async function attachBytes(
  input: { fileId: string; sha256: string; sizeBytes: number; mimeType: string; blobRef: string },
  executor: Executor = db(),
): Promise<{ file: ProjectFile; merged: boolean }> {
  const { fileId, ...given } = input;
  const bytes = { ...given, mimeType: redactText(given.mimeType) };
  for (let attempt = 0; attempt < MAX_ATTACH_ATTEMPTS; attempt += 1) {
    const file = await attach(fileId, bytes, executor);
    if (file) return { file, merged: false };
    const other = await mergeInto(fileId, bytes.sha256, executor);
    if (other) return { file: other, merged: true };
    // The other file was removed between the two: now there is room for these bytes.
  }
  throw new Conflict("file_changing", `Files with the bytes of ${fileId} come and go: try again.`);
}

/** Returns null when another file of the project has the bytes. */
async function attach(
  fileId: string,
  bytes: Omit<Parameters<typeof attachBytes>[0], "fileId">,
  executor: Executor,
): Promise<ProjectFile | null> {
  try {
    // In a transaction of its own (a savepoint inside the caller's), because a violation aborts the one it is in.
    return await executor.transaction(async (tx) => {
      const [file] = await tx
        .update(projectFiles)
        .set({ ...bytes, status: "uploaded", rejectCode: null, rejectReason: null })
        .where(and(eq(projectFiles.id, fileId), isNull(projectFiles.sha256)))
        .returning();
      if (file) return file;
      const found = await findFile({ fileId }, tx);
      if (!found) throw new NotFound("file_not_found", `There is no file ${fileId}.`);
      if (found.sha256 === bytes.sha256) return found;
      throw new Conflict("file_has_bytes", `The file ${fileId} has other bytes already.`);
    });
  } catch (error) {
    if (violates(error, "unique", "project_files_sha256_key")) return null;
    throw error;
  }
}

/** Moves the names of a pending file to the one with these bytes; null when that one is not there any more. */
async function mergeInto(
  fileId: string,
  sha256: string,
  executor: Executor,
): Promise<ProjectFile | null> {
  return await executor.transaction(async (tx) => {
    const pending = await findFile({ fileId }, tx);
    if (!pending) throw new NotFound("file_not_found", `There is no file ${fileId}.`);
    const [other] = await tx
      .update(projectFiles)
      .set({ aliases: aliasesWith(pending.name) })
      .where(and(eq(projectFiles.projectId, pending.projectId), eq(projectFiles.sha256, sha256)))
      .returning();
    if (!other) return null;
    await moveNames({ from: fileId, to: other.id }, tx);
    await tx.delete(projectFiles).where(eq(projectFiles.id, fileId));
    // Its bytes are nobody's now. Whoever fetched them removes them, unless it is killed, or another one fetches still.
    const trace = { fileId, projectId: pending.projectId, ingesting: true };
    await tx.insert(fileRemovals).values(trace).onConflictDoNothing();
    return other;
  });
}
