import { and, asc, eq } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";
import { redactText } from "../redact.ts";

/** Whether a project's chain has an entry with this key of this actor: what it records was done before, by the same. */
export async function isRecorded(
  { projectId, key, actor }: { projectId: string; key: string; actor: string },
  executor: Executor = db(),
): Promise<boolean> {
  const rows = await executor
    .select({ id: auditEntries.id })
    .from(auditEntries)
    .where(
      and(
        eq(auditEntries.projectId, projectId),
        // As they are written: both are made of what a sender chose.
        eq(auditEntries.key, redactText(key)),
        eq(auditEntries.actor, redactText(actor)),
      ),
    );
  return rows.length > 0;
}

/** What the audit chain says of the times that an effect was sent, oldest first, at most 1,000. */
export async function sentEntries(
  { projectId, effectId }: { projectId: string; effectId: string },
  executor: Executor = db(),
): Promise<Record<string, unknown>[]> {
  const rows = await executor
    .select({ payload: auditEntries.payload })
    .from(auditEntries)
    .where(
      and(
        eq(auditEntries.subject, effectId),
        eq(auditEntries.projectId, projectId),
        eq(auditEntries.action, "effect.sent"),
      ),
    )
    .orderBy(asc(auditEntries.seq))
    .limit(1000);
  return rows.map(({ payload }) => payload);
}
