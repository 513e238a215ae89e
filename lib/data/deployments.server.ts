import { and, asc, desc, eq, inArray, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { deployments } from "#db/schema.ts";
import { Conflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactJson, redactText } from "../redact.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Deployment = typeof deployments.$inferSelect;

/** States in which a build has ended. */
const ENDS: readonly Deployment["status"][] = ["ready", "error", "canceled"];
const ENDED = inArray(deployments.status, [...ENDS]);

/** More than one run makes. */
const MAX_ROWS = 500;

/**
 * Notes a deployment of a run; one that is noted already stays as it is and is returned. Throws Conflict when it is noted for another
 * run, whose proof it is. What other systems name goes in redacted.
 */
export async function putDeployment(
  row: Pick<
    Deployment,
    "projectId" | "runId" | "vercelProjectId" | "vercelDeploymentId" | "deploymentUrl" | "metadata"
  >,
  executor: Executor = db(),
): Promise<Deployment> {
  const vercelDeploymentId = redactText(row.vercelDeploymentId);
  const vercelProjectId = redactText(row.vercelProjectId);
  const deploymentUrl = redactText(row.deploymentUrl);
  const { projectId, runId } = row;
  const metadata = redactJson(row.metadata);
  await executor
    .insert(deployments)
    .values({
      id: newId("deployment"),
      ...{ projectId, runId, vercelProjectId, vercelDeploymentId, deploymentUrl, metadata },
    })
    .onConflictDoNothing({ target: deployments.vercelDeploymentId });
  const found = await deploymentByVercelId(vercelDeploymentId, executor);
  if (found && found.runId === runId && found.projectId === projectId) return found;
  const what = `The deployment ${vercelDeploymentId} is noted for another run.`;
  throw new Conflict("deployment_of_another", what);
}

/**
 * Writes what is newly known of a deployment; null when it is not noted. Metadata is put over what is there, key by key. A status
 * that is an end stays, and so does the time at which it came: `endedAt`, or now.
 */
export async function noteDeployment(
  {
    vercelDeploymentId,
    metadata = {},
    status,
    deploymentUrl,
    endedAt = status !== undefined && ENDS.includes(status) ? new Date() : undefined,
  }: {
    vercelDeploymentId: string;
    metadata?: Readonly<Record<string, unknown>>;
    status?: Deployment["status"];
    deploymentUrl?: string;
    endedAt?: Date;
  },
  executor: Executor = db(),
): Promise<Deployment | null> {
  const [row] = await executor
    .update(deployments)
    .set({
      metadata: sql`${deployments.metadata} || ${JSON.stringify(redactJson(metadata))}::jsonb`,
      ...(status !== undefined && {
        status: sql`case when ${ENDED} then ${deployments.status} else ${status} end`,
      }),
      ...(deploymentUrl !== undefined && { deploymentUrl: redactText(deploymentUrl) }),
      ...(endedAt !== undefined && {
        endedAt: sql`coalesce(${deployments.endedAt}, ${endedAt.toISOString()}::timestamptz)`,
      }),
      updatedAt: sql`now()`,
    })
    .where(eq(deployments.vercelDeploymentId, redactText(vercelDeploymentId)))
    .returning();
  return row ?? null;
}

export async function deploymentByVercelId(
  vercelDeploymentId: string,
  executor: Executor = db(),
): Promise<Deployment | null> {
  const [row] = await executor
    .select()
    .from(deployments)
    .where(eq(deployments.vercelDeploymentId, redactText(vercelDeploymentId)));
  return row ?? null;
}

/** What a run has deployed, oldest first. */
export async function deploymentsOfRun(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<Deployment[]> {
  return await executor
    .select()
    .from(deployments)
    .where(eq(deployments.runId, runId))
    .orderBy(asc(deployments.startedAt), asc(deployments.id))
    .limit(MAX_ROWS);
}

/** A project's deployments, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listDeployments(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Deployment & { createdAt: Date }>> {
  const limit = pageLimit(input.limit);
  const { startedAt: createdAt, id } = deployments;
  const rows = await executor
    .select()
    .from(deployments)
    .where(and(eq(deployments.projectId, input.projectId), behind({ createdAt, id }, input.cursor)))
    .orderBy(desc(deployments.startedAt), desc(deployments.id))
    .limit(limit + 1);
  // Lists are ordered by when a row came, which here is when it started.
  return toPage(
    rows.map((row) => ({ ...row, createdAt: row.startedAt })),
    limit,
  );
}
