import { and, asc, desc, eq, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { infraResources } from "#db/schema.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type InfraResource = typeof infraResources.$inferSelect;

const OURS = sql`${infraResources.metadata}->>'mode' = 'automated'`;

/** More than the plans of one run can make. */
const MAX_ROWS = 500;

/**
 * Notes a resource of a project; what is noted already gets the run, the region and the metadata that are said now. What
 * other systems name goes in redacted.
 */
export async function putInfraResource(
  row: Pick<
    InfraResource,
    "projectId" | "runId" | "provider" | "resourceType" | "externalId" | "region" | "metadata"
  >,
  executor: Executor = db(),
): Promise<InfraResource> {
  const { projectId, provider, resourceType, metadata, runId, region } = row;
  const externalId = redactText(row.externalId);
  const key = { projectId, provider, resourceType, externalId };
  const [put] = await executor
    .insert(infraResources)
    .values({ id: newId("infra"), ...key, runId, region, metadata })
    .onConflictDoUpdate({
      target: [
        infraResources.projectId,
        infraResources.provider,
        infraResources.resourceType,
        infraResources.externalId,
      ],
      set: {
        runId,
        // What says that we have made it stays, whoever names it later.
        region: sql`case when ${OURS} then ${infraResources.region} else ${region} end`,
        metadata: sql`case when ${OURS} then ${infraResources.metadata} else ${JSON.stringify(metadata)}::jsonb end`,
        updatedAt: sql`now()`,
      },
    })
    .returning();
  if (!put) throw new Error("a row that was put is not there");
  return put;
}

/** The newest resource of a project that has this name there and was not removed; null when there is none. */
export async function findInfraResource(
  {
    projectId,
    provider,
    resourceType,
    name,
  }: Pick<InfraResource, "projectId" | "provider" | "resourceType"> & { name: string },
  executor: Executor = db(),
): Promise<InfraResource | null> {
  const [row] = await executor
    .select()
    .from(infraResources)
    .where(
      and(
        eq(infraResources.projectId, projectId),
        eq(infraResources.provider, provider),
        eq(infraResources.resourceType, resourceType),
        sql`${infraResources.metadata}->>'name' = ${name}`,
        sql`not ${infraResources.metadata} ? 'removedBy'`,
      ),
    )
    .orderBy(desc(infraResources.createdAt), desc(infraResources.id))
    .limit(1);
  return row ?? null;
}

type Which = Pick<InfraResource, "projectId" | "provider" | "resourceType" | "externalId">;

const which = ({ projectId, provider, resourceType, externalId }: Which) =>
  and(
    eq(infraResources.projectId, projectId),
    eq(infraResources.provider, provider),
    eq(infraResources.resourceType, resourceType),
    eq(infraResources.externalId, redactText(externalId)),
  );

/** Notes which effect removed a resource. */
export async function noteRemoved(
  { effectId, ...resource }: Which & { effectId: string },
  executor: Executor = db(),
): Promise<void> {
  const removed = JSON.stringify({ removedBy: effectId });
  await executor
    .update(infraResources)
    .set({ metadata: sql`${infraResources.metadata} || ${removed}::jsonb` })
    .where(which(resource));
}

/** Whether a resource was removed by an effect of ours. */
export async function infraRemoved(resource: Which, executor: Executor = db()): Promise<boolean> {
  const removed = sql`${infraResources.metadata} ? 'removedBy'`;
  return (await executor.$count(infraResources, and(which(resource), removed))) > 0;
}

/** A resource of a project by the id of its row; null when the project has no such row. */
export async function infraById(
  { id, projectId }: Pick<InfraResource, "id" | "projectId">,
  executor: Executor = db(),
): Promise<InfraResource | null> {
  const [row] = await executor
    .select()
    .from(infraResources)
    .where(and(eq(infraResources.id, id), eq(infraResources.projectId, projectId)));
  return row ?? null;
}

/** What a run has made or taken up, oldest first. */
export async function infraOfRun(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<InfraResource[]> {
  return await executor
    .select()
    .from(infraResources)
    .where(eq(infraResources.runId, runId))
    .orderBy(asc(infraResources.createdAt), asc(infraResources.id))
    .limit(MAX_ROWS);
}

/** A project's resources, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listInfra(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<InfraResource>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(infraResources)
    .where(and(eq(infraResources.projectId, input.projectId), behind(infraResources, input.cursor)))
    .orderBy(desc(infraResources.createdAt), desc(infraResources.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
