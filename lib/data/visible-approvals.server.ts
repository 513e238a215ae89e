import { and, arrayContains, desc, eq, inArray, or } from "drizzle-orm";
import { union } from "drizzle-orm/pg-core";
import { db, type Executor } from "#db/client.ts";
import { approvals, projects } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import type { Approval, ApprovalStatus } from "./approvals.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

/** What somebody may see of approvals: those of their own projects, and those that name them as an approver. */
function visibleTo(userId: string) {
  return and(eq(projects.status, "active"), or(eq(projects.ownerUserId, userId), named(userId)));
}

/** One `@>`, which the GIN index on the array answers. */
const named = (userId: string) => arrayContains(approvals.approvers, [userId]);

/** An approval of the caller's projects, or one that they may decide. Throws NotFound: all else looks the same. */
export async function visibleApproval(
  { id, userId }: { id: string; userId: string },
  executor: Executor = db(),
): Promise<Approval> {
  const [row] = await executor
    .select({ approval: approvals })
    .from(approvals)
    .innerJoin(projects, eq(projects.id, approvals.projectId))
    .where(and(eq(approvals.id, id), visibleTo(userId)));
  if (!row) throw new NotFound("approval_not_found", `There is no approval ${id}.`);
  return row.approval;
}

/**
 * The approvals of the caller's projects and those that they may decide, or of these the ones in one project, newest
 * first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none.
 */
export async function listApprovals(
  input: {
    userId: string;
    projectId?: string | undefined;
    status?: ApprovalStatus | undefined;
    cursor?: string | undefined;
    limit?: number | undefined;
  },
  executor: Executor = db(),
): Promise<Page<Approval>> {
  const limit = pageLimit(input.limit);
  const { id, createdAt } = approvals;
  const wanted = and(
    input.status === undefined ? undefined : eq(approvals.status, input.status),
    behind(approvals, input.cursor),
  );
  const ofProject = input.projectId === undefined ? undefined : eq(projects.id, input.projectId);
  const active = and(eq(projects.status, "active"), ofProject);
  // Two reads, each by its own index; one condition with OR would be answered by none. Of the caller's projects each gives
  // its newest, so that no more is read of any, however many approvals there are of it or of others.
  const newest = executor
    .select({ id, createdAt })
    .from(approvals)
    .where(and(eq(approvals.projectId, projects.id), wanted))
    .orderBy(desc(createdAt), desc(id))
    .limit(limit + 1)
    .as("newest");
  const own = executor
    .select({ id: newest.id })
    .from(projects)
    .crossJoinLateral(newest)
    .where(and(eq(projects.ownerUserId, input.userId), active))
    .orderBy(desc(newest.createdAt), desc(newest.id))
    .limit(limit + 1);
  const decidable = executor
    .select({ id })
    .from(approvals)
    .innerJoin(projects, eq(projects.id, approvals.projectId))
    .where(and(named(input.userId), active, wanted))
    .orderBy(desc(createdAt), desc(id))
    .limit(limit + 1);
  const ids = union(own, decidable);
  const rows = await executor
    .select()
    .from(approvals)
    .where(inArray(approvals.id, ids))
    .orderBy(desc(approvals.createdAt), desc(approvals.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
