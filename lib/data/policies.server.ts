import { and, desc, eq, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { approverKeys, projectPolicies, projects } from "#db/schema.ts";
import { newId } from "../ids.ts";

export type PolicyVersion = typeof projectPolicies.$inferSelect;
export type ApproverKey = typeof approverKeys.$inferSelect;

/** The newest version of a project's policy; null when it has none of its own. */
export async function latestPolicy(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<PolicyVersion | null> {
  const [row] = await executor
    .select()
    .from(projectPolicies)
    .where(eq(projectPolicies.projectId, projectId))
    .orderBy(desc(projectPolicies.version))
    .limit(1);
  return row ?? null;
}

/** Writes the next version: 1, 2, 3 without gaps, however many write at once. The document was checked by the caller. */
export async function insertPolicy(
  input: { projectId: string; document: Record<string, unknown>; createdBy: string },
  tx: Tx,
): Promise<PolicyVersion> {
  const { projectId } = input;
  // Writers of one project queue here, on a row that always exists.
  await tx
    .select({ id: projects.id })
    .from(projects)
    .where(eq(projects.id, projectId))
    .for("update");
  const version = ((await latestPolicy({ projectId }, tx))?.version ?? 0) + 1;
  const [row] = await tx
    .insert(projectPolicies)
    .values({ ...input, id: newId("policy"), version })
    .returning();
  if (!row) throw new Error("an insert returned no row");
  return row;
}

/** Registers a public key. Returns null when the project has this key already, revoked or not. */
export async function insertApproverKey(
  key: Pick<ApproverKey, "id" | "projectId" | "owner" | "publicKey" | "createdBy">,
  tx: Tx,
): Promise<ApproverKey | null> {
  const [row] = await tx.insert(approverKeys).values(key).onConflictDoNothing().returning();
  return row ?? null;
}

/** Ends a key's validity for good. Returns null when there is none or it was revoked before. */
export async function revokeApproverKey(
  { projectId, id }: { projectId: string; id: string },
  tx: Tx,
): Promise<ApproverKey | null> {
  const [row] = await tx
    .update(approverKeys)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(approverKeys.projectId, projectId),
        eq(approverKeys.id, id),
        sql`${approverKeys.revokedAt} is null`,
      ),
    )
    .returning();
  return row ?? null;
}

/** A key of the project, revoked or not; null when there is none. */
export async function readApproverKey(
  { projectId, id }: { projectId: string; id: string },
  executor: Executor = db(),
): Promise<ApproverKey | null> {
  const [row] = await executor
    .select()
    .from(approverKeys)
    .where(and(eq(approverKeys.projectId, projectId), eq(approverKeys.id, id)));
  return row ?? null;
}

/** A project's keys by owner, at most 1,000. */
export async function listApproverKeys(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<ApproverKey[]> {
  return await executor
    .select()
    .from(approverKeys)
    .where(eq(approverKeys.projectId, projectId))
    .orderBy(approverKeys.owner, approverKeys.id)
    .limit(1000);
}
