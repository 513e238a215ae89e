import { and, asc, between, desc, eq, gt, inArray, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import {
  approvalDecisions,
  approvals,
  approverKeys,
  artifacts,
  auditEntries,
  deployments,
  projectPolicies,
  projects,
  runs,
} from "#db/schema.ts";
import type { Approval, Voice } from "./approvals.server.ts";
import type { Artifact } from "./artifacts.server.ts";
import type { ApproverKey, PolicyVersion } from "./policies.server.ts";
import { ENDED, type Run } from "./runs.server.ts";

/** More than one run can make. */
const MAX_ROWS = 1000;

/** What a bundle says of a version of an artifact, without its text; it never changes. */
export type BundledVersion = Pick<
  Artifact,
  "id" | "projectId" | "runId" | "kind" | "logicalKey" | "version" | "contentSha256"
> & {
  /** Of its text in UTF-8. */
  readonly bytes: number;
};

/** Those versions that are there, by id. At most 1,000 are asked for. */
export async function versionsById(
  ids: readonly string[],
  executor: Executor = db(),
): Promise<BundledVersion[]> {
  const { id, projectId, runId, kind, logicalKey, version, contentSha256, content } = artifacts;
  if (ids.length === 0) return [];
  return await executor
    .select({
      ...{ id, projectId, runId, kind, logicalKey, version, contentSha256 },
      bytes: sql<number>`octet_length(${content})`,
    })
    .from(artifacts)
    .where(inArray(id, [...ids]))
    .orderBy(asc(id))
    .limit(MAX_ROWS);
}

/** Approvals with the decisions that were accepted on them, by the ids of the approvals. */
export async function approvalsById(
  ids: readonly string[],
  executor: Executor = db(),
): Promise<{ approvals: Approval[]; voices: Voice[] }> {
  if (ids.length === 0) return { approvals: [], voices: [] };
  const wanted = [...ids];
  return {
    approvals: await executor
      .select()
      .from(approvals)
      .where(inArray(approvals.id, wanted))
      .orderBy(asc(approvals.id))
      .limit(MAX_ROWS),
    voices: await executor
      .select()
      .from(approvalDecisions)
      .where(inArray(approvalDecisions.approvalId, wanted))
      .orderBy(asc(approvalDecisions.id))
      .limit(MAX_ROWS * 10),
  };
}

/** Versions of a project's policy by their numbers, in their order; version 0 is built in and has no row. */
export async function policiesByVersion(
  { projectId, versions }: { projectId: string; versions: readonly number[] },
  executor: Executor = db(),
): Promise<PolicyVersion[]> {
  if (versions.length === 0) return [];
  return await executor
    .select()
    .from(projectPolicies)
    .where(
      and(
        eq(projectPolicies.projectId, projectId),
        inArray(projectPolicies.version, [...versions]),
      ),
    )
    .orderBy(asc(projectPolicies.version))
    .limit(MAX_ROWS);
}

/** Approvers' keys of a project by their ids, revoked ones too. */
export async function keysById(
  { projectId, ids }: { projectId: string; ids: readonly string[] },
  executor: Executor = db(),
): Promise<ApproverKey[]> {
  if (ids.length === 0) return [];
  return await executor
    .select()
    .from(approverKeys)
    .where(and(eq(approverKeys.projectId, projectId), inArray(approverKeys.id, [...ids])))
    .orderBy(asc(approverKeys.id))
    .limit(MAX_ROWS);
}

/** The hashes of a stretch of a project's chain, both ends included, in order; the caller bounds how long it is. */
export async function chainLinks(
  { projectId, from, to }: { projectId: string; from: number; to: number },
  executor: Executor = db(),
): Promise<{ seq: number; prevHash: string; hash: string }[]> {
  const { seq, prevHash, hash } = auditEntries;
  return await executor
    .select({ seq, prevHash, hash })
    .from(auditEntries)
    .where(and(eq(auditEntries.projectId, projectId), between(seq, from, to)))
    .orderBy(asc(seq));
}

/** What a run has deployed, oldest first. */
export async function deploymentRows(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<(typeof deployments.$inferSelect)[]> {
  return await executor
    .select()
    .from(deployments)
    .where(eq(deployments.runId, runId))
    .orderBy(asc(deployments.startedAt), asc(deployments.id))
    .limit(MAX_ROWS);
}

/** The newest version of that kind which a run published; null when it has none. */
export async function newestOfRun(
  { runId, kind }: { runId: string; kind: string },
  executor: Executor = db(),
): Promise<Artifact | null> {
  const [row] = await executor
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.runId, runId), eq(artifacts.kind, kind)))
    .orderBy(desc(artifacts.version))
    .limit(1);
  return row ?? null;
}

/**
 * Runs that ended in the last `withinDays` days, but not in the last `olderThanMs`, and have published nothing of this kind for that
 * end: whoever was to was not woken, or died. Newest end first, so that some which always fail do not stand before all others.
 */
export async function unbundledRuns(
  {
    kind,
    olderThanMs,
    withinDays,
    limit,
  }: { kind: string; olderThanMs: number; withinDays: number; limit: number },
  executor: Executor = db(),
): Promise<Pick<Run, "id" | "projectId">[]> {
  return await executor
    .select({ id: runs.id, projectId: runs.projectId })
    .from(runs)
    .innerJoin(projects, eq(projects.id, runs.projectId))
    .where(
      and(
        eq(runs.kind, "implementation"),
        inArray(runs.status, [...ENDED]),
        eq(projects.status, "active"),
        gt(runs.endedAt, sql`now() - ${withinDays} * interval '1 day'`),
        sql`${runs.endedAt} < now() - ${olderThanMs} * interval '1 millisecond'`,
        sql`not exists (select 1 from ${artifacts} a where a.run_id = ${runs.id}
          and a.kind = ${kind} and a.metadata->>'attempt' = ${runs.attempt}::text)`,
      ),
    )
    .orderBy(desc(runs.endedAt))
    .limit(limit);
}
