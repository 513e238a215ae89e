import { and, asc, eq, gt, inArray, lte, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { approvalDecisions, approvals, runs } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";

export type Approval = typeof approvals.$inferSelect;
export type ApprovalStatus = Approval["status"];
/** One person's accepted decision. */
export type Voice = typeof approvalDecisions.$inferSelect;

type NewApproval = Omit<
  typeof approvals.$inferInsert,
  "id" | "createdAt" | "updatedAt" | "usedAt" | "settledAt" | "expiresAt"
> & { expiresInMinutes: number };

/** Writes an approval. The caller holds the lock of its run, so that no other can be live for the same plan. */
export async function insertApproval(approval: NewApproval, tx: Tx): Promise<Approval> {
  const { expiresInMinutes, ...fields } = approval;
  const settled = fields.status === "granted";
  const [row] = await tx
    .insert(approvals)
    .values({
      ...fields,
      id: newId("approval"),
      expiresAt: sql`now() + ${expiresInMinutes} * interval '1 minute'`,
      intentSummary: redactText(fields.intentSummary),
      ...(settled ? { settledAt: sql`now()`, approvedAt: sql`now()` } : {}),
    })
    .returning();
  if (!row) throw new Error("an insert returned no row");
  return row;
}

/**
 * The approval, locked until the transaction ends, and the time by the database's clock, which alone says what has
 * expired; null when there is none.
 */
export async function lockApproval(
  { id }: { id: string },
  tx: Tx,
): Promise<{ approval: Approval; now: Date } | null> {
  const [row] = await tx
    .select({
      approval: approvals,
      now: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::float8`,
    })
    .from(approvals)
    .where(eq(approvals.id, id))
    .for("update");
  return row ? { approval: row.approval, now: new Date(row.now) } : null;
}

/** Throws NotFound. */
export async function readApproval(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Approval> {
  const [row] = await executor.select().from(approvals).where(eq(approvals.id, id));
  if (!row) throw new NotFound("approval_not_found", `There is no approval ${id}.`);
  return row;
}

/** The pending or granted approval of one plan, locked; null when there is none. */
export async function liveApproval(
  { runId, scope, stepId }: { runId: string; scope: string; stepId: string },
  tx: Tx,
): Promise<Approval | null> {
  const [row] = await tx
    .select()
    .from(approvals)
    .where(
      and(
        eq(approvals.runId, runId),
        eq(approvals.scope, scope),
        eq(approvals.stepId, stepId),
        inArray(approvals.status, ["pending", "granted"]),
      ),
    )
    .for("update");
  return row ?? null;
}

/** The run's approvals that may still be granted or allow what they cover, by id, locked. */
export async function validApprovals(
  { runId }: { runId: string },
  tx: Tx,
): Promise<Map<string, ApprovalStatus>> {
  const rows = await tx
    .select({ id: approvals.id, status: approvals.status })
    .from(approvals)
    .where(
      and(
        eq(approvals.runId, runId),
        inArray(approvals.status, ["pending", "granted", "used"]),
        gt(approvals.expiresAt, sql`clock_timestamp()`),
      ),
    )
    .for("update");
  return new Map(rows.map(({ id, status }) => [id, status]));
}

/** Moves an approval from one of `from` to `to`, if it is there. Returns it as it is now, else null. */
export async function moveApproval(
  move: {
    id: string;
    from: readonly ApprovalStatus[];
    to: Exclude<ApprovalStatus, "pending">;
    approvedBy?: string;
  },
  tx: Tx,
): Promise<Approval | null> {
  const { id, from, to, approvedBy } = move;
  const [row] = await tx
    .update(approvals)
    .set({
      status: to,
      ...(to === "granted" ? { approvedAt: sql`now()`, approvedBy: approvedBy ?? null } : {}),
      ...(to === "used" ? { usedAt: sql`now()` } : { settledAt: sql`now()` }),
    })
    .where(and(eq(approvals.id, id), inArray(approvals.status, [...from])))
    .returning();
  return row ?? null;
}

/** Writes an accepted decision; null when this person has decided so before. */
export async function insertVoice(
  voice: Omit<typeof approvalDecisions.$inferInsert, "id">,
  tx: Tx,
): Promise<Voice | null> {
  const [row] = await tx
    .insert(approvalDecisions)
    .values({
      ...voice,
      id: newId("decision"),
      decidedBy: redactText(voice.decidedBy),
      note: voice.note ? redactText(voice.note) : null,
    })
    .onConflictDoNothing()
    .returning();
  return row ?? null;
}

/** The accepted decisions on an approval, oldest first; a policy allows at most 100 approvers. */
export async function listVoices(
  { approvalId }: { approvalId: string },
  executor: Executor = db(),
): Promise<Voice[]> {
  return await executor
    .select()
    .from(approvalDecisions)
    .where(eq(approvalDecisions.approvalId, approvalId))
    .orderBy(asc(approvalDecisions.decidedAt), asc(approvalDecisions.id))
    .limit(300);
}

/** Whether somebody has used this nonce in a decision that was accepted. */
export async function nonceUsed(
  { decidedBy, nonce }: { decidedBy: string; nonce: string },
  tx: Tx,
): Promise<boolean> {
  const rows = await tx
    .select({ id: approvalDecisions.id })
    .from(approvalDecisions)
    .where(and(eq(approvalDecisions.decidedBy, decidedBy), eq(approvalDecisions.nonce, nonce)));
  return rows.length > 0;
}

/** The approvals of a run, oldest first. */
export async function approvalsOfRun(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<Approval[]> {
  return await executor
    .select()
    .from(approvals)
    .where(eq(approvals.runId, runId))
    .orderBy(asc(approvals.createdAt), asc(approvals.id))
    .limit(1000);
}

/** Approvals that are past their time and not yet marked so, oldest first. */
export async function overdueApprovals(
  { limit }: { limit: number },
  executor: Executor = db(),
): Promise<{ id: string }[]> {
  return await executor
    .select({ id: approvals.id })
    .from(approvals)
    .where(
      and(inArray(approvals.status, ["pending", "granted"]), lte(approvals.expiresAt, sql`now()`)),
    )
    .orderBy(approvals.expiresAt)
    .limit(limit);
}

/** Settled approvals whose run still waits, and has not been touched for that long: their event was lost. */
export async function unheardApprovals(
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<Approval[]> {
  const rows = await executor
    .select({ approval: approvals })
    .from(runs)
    .innerJoin(approvals, eq(approvals.runId, runs.id))
    .where(
      and(
        eq(runs.status, "waiting_approval"),
        sql`${approvals.status} <> 'pending'`,
        // With some slack: a look that has begun before the decision may have touched the run after it.
        sql`${approvals.settledAt} >= ${runs.updatedAt} - interval '2 minutes'`,
        lte(approvals.settledAt, sql`now() - ${olderThanMs} * interval '1 millisecond'`),
      ),
    )
    .orderBy(runs.updatedAt)
    .limit(limit);
  return rows.map(({ approval }) => approval);
}
