import { eq } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { repos } from "#db/schema.ts";

/** Ids of the repositories that are connected to a project, in the order of their connection. */
export async function listRepoIds(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<string[]> {
  const rows = await executor
    .select({ id: repos.id })
    .from(repos)
    .where(eq(repos.projectId, projectId))
    .orderBy(repos.id);
  return rows.map(({ id }) => id);
}
