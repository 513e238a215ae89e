import { createHash } from "node:crypto";
import { and, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { fileRemovals, projectFiles, projects } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";
import { aliasesWith, nameCame } from "./file-names.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type ProjectFile = typeof projectFiles.$inferSelect;

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
 * Registers a link whose bytes are still to be fetched; a link that waits already, or was refused before it had any, is the
 * same row and waits (again), and the newest `sha256`, if any was given, is what its bytes must have. Name and link are redacted.
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
    const { status } = projectFiles;
    const [before] = await tx
      .select({ status })
      .from(projectFiles)
      .where(
        and(
          eq(projectFiles.projectId, projectId),
          eq(projectFiles.sourceUrl, sourceUrl),
          isNull(projectFiles.sha256),
        ),
      );
    const [file] = await tx
      .insert(projectFiles)
      .values({ id, projectId, name, mimeType, sourceUrl, expectedSha256, status: "pending" })
      .onConflictDoUpdate({
        target: [projectFiles.projectId, projectFiles.sourceUrl],
        targetWhere: isNull(projectFiles.sha256),
        // An undefined value leaves the column as it is.
        set: {
          ...{ aliases: aliasesWith(name), expectedSha256, status: "pending" },
          ...{ rejectCode: null, rejectReason: null },
        },
      })
      .returning();
    if (!file) throw new Error("an upsert returned no row");
    // While it waits, it came when it was first asked for. One that was refused comes anew.
    const keep = before?.status !== "rejected";
    await nameCame({ projectId, name, fileId: file.id, at, keep }, tx);
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

/** The file of a project that has these bytes; null when none has. */
export async function fileOfBytes(
  { projectId, sha256 }: { projectId: string; sha256: string },
  executor: Executor = db(),
): Promise<ProjectFile | null> {
  const [file] = await executor
    .select()
    .from(projectFiles)
    .where(and(eq(projectFiles.projectId, projectId), eq(projectFiles.sha256, sha256)));
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

/** Removes the next `limit` files of a project with their chunks. Returns how many there were. */
export async function deleteFiles(
  { projectId, limit }: { projectId: string; limit: number },
  executor: Executor = db(),
): Promise<number> {
  const next = executor
    .select({ id: projectFiles.id })
    .from(projectFiles)
    .where(eq(projectFiles.projectId, projectId))
    .limit(limit);
  const { rowCount } = await executor.delete(projectFiles).where(inArray(projectFiles.id, next));
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
