import { blobStore } from "../blob/blob.ts";
import { projectPrefix } from "../blob/port.ts";
import { appendAudit } from "../data/audit.server.ts";
import { deleteFiles } from "../data/files.server.ts";
import { countProjectRows, lockDeleting } from "../data/project-rows.server.ts";
import { DELETED, deleteProject } from "../data/projects.server.ts";
import { findAudit } from "../data/recorded.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { Conflict } from "../errors.ts";
import { deleteProjectVectors, projectVectors } from "../upstash/vector.ts";

/** One for each project: no other gets its id. */
const KEY = "project.deletion";

/**
 * Writes down what a hidden project has, before any of it goes: rows by table, vectors by namespace, blobs. It is an audit
 * entry, so a deletion that is repeated or begun anew, when part of it has gone, still knows the whole. Only the first call
 * counts; none does anything once the project is gone.
 */
export async function takeStock({ projectId, by }: { projectId: string; by: string }) {
  const [rows, vectors, blobs] = await Promise.all([
    countProjectRows({ projectId }),
    projectVectors(projectId),
    blobStore().usage(projectPrefix(projectId)),
  ]);
  await transaction(async (tx) => {
    const project = await lockDeleting({ id: projectId }, tx);
    if (!project) return;
    const entry = { projectId, actor: by, subject: projectId, key: KEY };
    const payload = { rows, vectors, blobs };
    await appendAudit({ ...entry, action: "project.deletion_began", payload }, tx);
  });
}

/** One has up to some ten thousand chunks, and a statement half a minute. */
const FILES_AT_ONCE = 10;
const STEP_MS = 20_000;

/** Removes rows of a hidden project's files, as many as a step has time for. Returns whether there are more. */
export async function deleteSomeFiles(projectId: string): Promise<{ more: boolean }> {
  const end = performance.now() + STEP_MS;
  let deleted: number;
  do deleted = await deleteFiles({ projectId, limit: FILES_AT_ONCE });
  while (deleted > 0 && performance.now() < end);
  return { more: deleted > 0 };
}

/** Removes what a project has outside the database. Can be repeated. */
export async function purgeProject(projectId: string): Promise<void> {
  await deleteProjectVectors(projectId);
  await blobStore().deletePrefix(projectPrefix(projectId));
}

/**
 * Removes a project's row with all that hangs on it, and says in the same transaction, as the last word about it, what was
 * removed. False when it is gone. Throws Conflict when nobody has taken stock.
 */
export async function endDeletion({ projectId }: { projectId: string }): Promise<boolean> {
  return await transaction(async (tx) => {
    const project = await lockDeleting({ id: projectId }, tx);
    if (!project) return false;
    const began = await findAudit({ projectId, key: KEY }, tx);
    if (!began) throw new Conflict("stock_not_taken", `Take stock of ${projectId} first.`);
    await deleteProject({ id: projectId }, tx);
    const { actor, payload } = began;
    await appendAudit({ projectId, actor, action: DELETED, subject: projectId, payload }, tx);
    return true;
  });
}
