import { and, desc, eq, getTableColumns, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { artifacts, projects } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import type { Artifact } from "./artifacts.server.ts";
import { hasOutdated } from "./citations.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

/** An artifact of which a source has changed since it was written is stale. */
export type ReadArtifact = Artifact & { readonly stale: boolean };

export type ListedArtifact = Omit<ReadArtifact, "content">;

const { content, ...withoutContent } = getTableColumns(artifacts);
const stale = hasOutdated();

/** That no later version is there, as a part of a query over artifacts. */
export const isLatest = sql`not exists (
  select 1 from ${artifacts} newer
  where newer.project_id = artifacts.project_id and newer.kind = artifacts.kind
    and newer.logical_key = artifacts.logical_key and newer.version > artifacts.version)`;

/** The latest version of each artifact of a project, newest first, without the texts; at most 100 a page. */
export async function listArtifacts(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<ListedArtifact>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select({ ...withoutContent, stale })
    .from(artifacts)
    .where(and(eq(artifacts.projectId, input.projectId), isLatest, behind(artifacts, input.cursor)))
    .orderBy(desc(artifacts.createdAt), desc(artifacts.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** One version, of the caller's own projects. Throws NotFound: somebody else's looks the same as none. */
export async function ownArtifact(
  { id, ownerUserId }: { id: string; ownerUserId: string },
  executor: Executor = db(),
): Promise<ReadArtifact> {
  const [row] = await executor
    .select({ ...withoutContent, content, stale })
    .from(artifacts)
    .innerJoin(projects, eq(projects.id, artifacts.projectId))
    .where(
      and(
        eq(artifacts.id, id),
        eq(projects.ownerUserId, ownerUserId),
        eq(projects.status, "active"),
      ),
    );
  if (!row) throw new NotFound("artifact_not_found", `There is no artifact ${id}.`);
  return row;
}

/** Those of these versions that are the latest of their key, with whether they are stale: what a search may show. */
export async function latestOf(
  {
    projectId,
    versions,
  }: { projectId: string; versions: readonly { kind: string; key: string; version: number }[] },
  executor: Executor = db(),
): Promise<ListedArtifact[]> {
  if (versions.length === 0) return [];
  const wanted = sql.join(
    versions.map(({ kind, key, version }) => sql`(${kind}, ${key}, ${version}::integer)`),
    sql`, `,
  );
  return await executor
    .select({ ...withoutContent, stale })
    .from(artifacts)
    .where(
      and(
        eq(artifacts.projectId, projectId),
        isLatest,
        sql`(${artifacts.kind}, ${artifacts.logicalKey}, ${artifacts.version}) in (${wanted})`,
      ),
    );
}
