import { and, asc, desc, eq, type SQL, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { projects, repos } from "#db/schema.ts";
import { newId } from "../ids.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Repo = typeof repos.$inferSelect;

/** What GitHub says about a repository, without secrets. */
export type RepoFacts = Pick<Repo, "owner" | "name" | "defaultBranch" | "htmlUrl" | "cloneUrl">;

/** GitHub takes owner and name in any case for the same repository. */
const named = ({ owner, name }: { owner: string; name: string }): SQL | undefined =>
  and(
    eq(repos.provider, "github"),
    sql`lower(${repos.owner}) = lower(${owner})`,
    sql`lower(${repos.name}) = lower(${name})`,
  );

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

/** A project's repositories, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listRepos(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Repo>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(repos)
    .where(and(eq(repos.projectId, input.projectId), behind(repos, input.cursor)))
    .orderBy(desc(repos.createdAt), desc(repos.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** A project's repository of that name; null when it is not connected. */
export async function findRepo(
  { projectId, owner, name }: { projectId: string; owner: string; name: string },
  executor: Executor = db(),
): Promise<Repo | null> {
  const [row] = await executor
    .select()
    .from(repos)
    .where(and(eq(repos.projectId, projectId), named({ owner, name })));
  return row ?? null;
}

/** A repository by its id, of a project that is not being deleted; null when there is none. */
export async function readRepo(
  { projectId, repoId }: { projectId: string; repoId: string },
  executor: Executor = db(),
): Promise<Repo | null> {
  const [row] = await executor
    .select({ repo: repos })
    .from(repos)
    .innerJoin(projects, and(eq(projects.id, repos.projectId), eq(projects.status, "active")))
    .where(and(eq(repos.id, repoId), eq(repos.projectId, projectId)));
  return row?.repo ?? null;
}

/** Where a repository is connected, the first `limit` connections. */
export async function connectionsOf(
  { owner, name, limit }: { owner: string; name: string; limit: number },
  executor: Executor = db(),
): Promise<{ projectId: string; repoId: string }[]> {
  return await executor
    .select({ projectId: repos.projectId, repoId: repos.id })
    .from(repos)
    .innerJoin(projects, and(eq(projects.id, repos.projectId), eq(projects.status, "active")))
    .where(named({ owner, name }))
    .orderBy(asc(repos.id))
    .limit(limit);
}

/** Writes a repository of a project, or brings the one that it has of this name up to date; says whether it is new. */
export async function saveRepo(
  facts: RepoFacts & { projectId: string },
  tx: Tx,
): Promise<{ repoId: string; created: boolean }> {
  const [inserted] = await tx
    .insert(repos)
    .values({ id: newId("repo"), ...facts })
    .onConflictDoNothing()
    .returning({ repoId: repos.id });
  if (inserted) return { ...inserted, created: true };
  const { projectId, ...set } = facts;
  const [updated] = await tx
    .update(repos)
    .set(set)
    .where(and(eq(repos.projectId, projectId), named(facts)))
    .returning({ repoId: repos.id });
  if (!updated) throw new Error("the repository went while it was connected");
  return { ...updated, created: false };
}
