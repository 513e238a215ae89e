import { and, asc, eq } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";
import { redactText } from "../redact.ts";

/** Who did what the entry with this key records, and its payload; null when there is no such entry. */
export async function findAudit(
  { projectId, key }: { projectId: string; key: string },
  executor: Executor = db(),
): Promise<{ actor: string; payload: Record<string, unknown> } | null> {
  const { actor, payload } = auditEntries;
  const [entry] = await executor
    .select({ actor, payload })
    .from(auditEntries)
    // As it is written: a key is made of what a sender chose.
    .where(and(eq(auditEntries.projectId, projectId), eq(auditEntries.key, redactText(key))));
  return entry ?? null;
}

/** Whether a project's chain has an entry with this key of this actor: what it records was done before, by the same. */
export async function isRecorded(
  { actor, ...where }: { projectId: string; key: string; actor: string },
  executor: Executor = db(),
): Promise<boolean> {
  return (await findAudit(where, executor))?.actor === redactText(actor);
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
