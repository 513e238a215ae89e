import { and, eq, isNull } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { fileRemovals, projectFiles } from "#db/schema.ts";
import { Conflict, NotFound } from "../errors.ts";
import { redactText } from "../redact.ts";
import { aliasesWith, moveNames } from "./file-names.server.ts";
import { findFile, type ProjectFile } from "./files.server.ts";
import { violates } from "./violation.ts";

/** Each attempt beyond the first needs somebody to change one of the two files at that very moment. */
const MAX_ATTACH_ATTEMPTS = 5;

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
    // One of the two changed in between: the next attempt finds room for these bytes, or says why there is none.
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

/**
 * Moves the names of a pending file to the one with these bytes, and takes its row. Null when that one is not there any more, or
 * the first is not pending: it is gone, or was given bytes meanwhile, which must not go with it.
 */
async function mergeInto(
  fileId: string,
  sha256: string,
  executor: Executor,
): Promise<ProjectFile | null> {
  return await executor.transaction(async (tx) => {
    const [pending] = await tx
      .select()
      .from(projectFiles)
      .where(and(eq(projectFiles.id, fileId), isNull(projectFiles.sha256)))
      .for("update");
    if (!pending) return null;
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
