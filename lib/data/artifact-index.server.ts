import { and, eq, inArray, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { artifacts, projects, runSteps, runs } from "#db/schema.ts";
import { isLatest } from "./artifact-lists.server.ts";
import { recordDone } from "./run-steps.server.ts";

/** The step of a research run that makes what it published of a kind searchable; that it has succeeded is on record there. */
export const INDEX_STEP = "index";
export const publishPhase = (kind: string) => `publish-${kind}`;

const isUnindexed = sql`${isLatest} and not exists (
  select 1 from ${runSteps} step where step.run_id = artifacts.run_id and step.status = 'succeeded'
    and step.step_id = ${publishPhase("")} || artifacts.kind || ${`/${INDEX_STEP}`})`;

/** Whether a run has published a latest version that is not searchable, as a part of a query over runs. */
export function hasUnindexed(): SQL<boolean> {
  return sql<boolean>`exists (select 1 from ${artifacts} where artifacts.run_id = runs.id and ${isUnindexed})`;
}

/** A version that its run has left behind. */
export interface Unindexed {
  readonly projectId: string;
  readonly runId: string;
  readonly artifactId: string;
  readonly kind: string;
  readonly logicalKey: string;
  readonly version: number;
}

/**
 * Latest versions of research runs that failed or were canceled before they had made them searchable, in any order, so that some
 * which always fail do not stand before all others.
 */
export async function unindexedArtifacts(
  { limit }: { limit: number },
  executor: Executor = db(),
): Promise<Unindexed[]> {
  const { projectId, kind, logicalKey, version } = artifacts;
  return await executor
    .select({ projectId, runId: runs.id, artifactId: artifacts.id, kind, logicalKey, version })
    .from(runs)
    .innerJoin(projects, eq(projects.id, runs.projectId))
    .innerJoin(artifacts, eq(artifacts.runId, runs.id))
    .where(
      and(
        inArray(runs.status, ["failed", "canceled"]),
        eq(projects.status, "active"),
        // As in the partial index. None is tidied before all of it is searchable.
        sql`${runs.kind} = 'research'`,
        isNotNull(runs.endedAt),
        isNull(runs.tidiedAt),
        isUnindexed,
      ),
    )
    .orderBy(sql`random()`)
    .limit(limit);
}

/** Says that a version was made searchable after its run had ended. */
export async function markArtifactIndexed(
  { runId, kind }: Pick<Unindexed, "runId" | "kind">,
  outputs: unknown,
): Promise<void> {
  const step = { stepName: INDEX_STEP, kind: INDEX_STEP, outputs };
  await recordDone({ runId, stepId: `${publishPhase(kind)}/${INDEX_STEP}`, ...step });
}
