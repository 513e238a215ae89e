import { and, desc, eq, inArray, lt, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { auditEntries, projects } from "#db/schema.ts";
import { Conflict, NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Project = typeof projects.$inferSelect;

/**
 * Makes a project, or returns the one that this owner made with this id before. Its name is redacted.
 * Throws Conflict when the id is somebody else's, being deleted or that of a deleted project, or when the owner uses the slug
 * already.
 */
export async function createProject(
  input: { id?: string; ownerUserId: string; name: string; slug: string },
  executor: Executor = db(),
): Promise<Project> {
  const { id = newId("project"), ownerUserId, name, slug } = input;
  const taken = () =>
    new Conflict("project_id_taken", `The project id ${id} is taken: choose another.`);
  const created = await executor.transaction(async (tx) => {
    const [row] = await tx
      .insert(projects)
      .values({ id, ownerUserId, name: redactText(name), slug })
      .onConflictDoNothing()
      .returning();
    // After the insert, which has waited for a deletion under way: its chain would be the new owner's to read.
    if (row && input.id !== undefined && (await wasDeleted({ id }, tx))) throw taken();
    return row;
  });
  if (created) return created;
  const [existing] = await executor.select().from(projects).where(eq(projects.id, id));
  if (!existing) {
    throw new Conflict("slug_taken", `You have a project with the slug ${slug}: choose another.`);
  }
  if (existing.ownerUserId !== ownerUserId) throw taken();
  if (existing.status === "deleting") {
    throw new Conflict(
      "project_deleting",
      `The project ${id} is being deleted: choose another id.`,
    );
  }
  return existing;
}

/** Throws NotFound when there is no such project, it is being deleted, or it is somebody else's: all look the same. */
export async function getProject(
  { id, ownerUserId }: { id: string; ownerUserId: string },
  executor: Executor = db(),
): Promise<Project> {
  const [project] = await executor
    .select()
    .from(projects)
    .where(and(eq(projects.id, id), eq(projects.ownerUserId, ownerUserId), active()));
  if (!project) throw new NotFound("project_not_found", `There is no project ${id}.`);
  return project;
}

/** Whether a project is there for work on it: not one that is being deleted. */
export async function projectExists(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<boolean> {
  const found = await executor
    .select({ id: projects.id })
    .from(projects)
    .where(and(eq(projects.id, id), active()));
  return found.length > 0;
}

/** A project by its id alone, for work on behalf of nobody in particular. Throws NotFound, also while it is being deleted. */
export async function readProject(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Project> {
  const [project] = await executor
    .select()
    .from(projects)
    .where(and(eq(projects.id, id), active()));
  if (!project) throw new NotFound("project_not_found", `There is no project ${id}.`);
  return project;
}

/** An owner's projects, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listProjects(
  input: { ownerUserId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Project>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(projects)
    .where(
      and(eq(projects.ownerUserId, input.ownerUserId), active(), behind(projects, input.cursor)),
    )
    .orderBy(desc(projects.createdAt), desc(projects.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/**
 * Hides a project from everybody while what belongs to it is being removed. With `ownerUserId`, only its owner's.
 * Returns whether there is such a project, also when it was hidden before.
 */
export async function beginProjectDelete(
  { id, ownerUserId }: { id: string; ownerUserId?: string | undefined },
  executor: Executor = db(),
): Promise<boolean> {
  const owned = ownerUserId === undefined ? undefined : eq(projects.ownerUserId, ownerUserId);
  const rows = await executor
    .update(projects)
    .set({ status: "deleting" })
    .where(and(eq(projects.id, id), owned))
    .returning({ id: projects.id });
  return rows.length > 0;
}

/** Takes projects whose deletion has not ended for that long, and stamps them, so that each is taken once per `olderThanMs`. */
export async function claimUndeleted(
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<{ projectId: string; claimedAt: string }[]> {
  const due = executor
    .select({ id: projects.id })
    .from(projects)
    .where(
      and(
        eq(projects.status, "deleting"),
        lt(projects.updatedAt, sql`now() - ${olderThanMs} * interval '1 millisecond'`),
      ),
    )
    .orderBy(projects.updatedAt)
    .limit(limit)
    .for("update", { skipLocked: true });
  const rows = await executor
    .update(projects)
    .set({ updatedAt: sql`now()` })
    .where(inArray(projects.id, due))
    .returning({ projectId: projects.id, claimedAt: projects.updatedAt });
  return rows.map(({ projectId, claimedAt }) => ({
    projectId,
    claimedAt: claimedAt.toISOString(),
  }));
}

/** The action that records, as the last word about a project, that it is removed. */
export const DELETED = "project.deleted";

/** Whether there was a project with this id: its audit entries outlive it. */
async function wasDeleted({ id }: { id: string }, executor: Executor): Promise<boolean> {
  const { projectId, subject, action } = auditEntries;
  const found = await executor
    .select({ id: auditEntries.id })
    .from(auditEntries)
    .where(and(eq(subject, id), eq(projectId, id), eq(action, DELETED)))
    .limit(1);
  return found.length > 0;
}

/** Removes a project and every row that hangs on it; its audit entries stay. Returns whether it was there. */
export async function deleteProject(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<boolean> {
  const rows = await executor
    .delete(projects)
    .where(eq(projects.id, id))
    .returning({ id: projects.id });
  return rows.length > 0;
}

const active = () => eq(projects.status, "active");
