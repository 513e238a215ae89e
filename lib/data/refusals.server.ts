import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";

/** The actions that record that somebody said something and was not heard. */
const REFUSALS = ["approval.refused", "effect.resolution_refused"];

/** What somebody wanted of an approval or an effect, and why it was refused. */
export interface RefusalEntry {
  readonly at: Date;
  readonly by: string;
  /** `granted`, `denied`, `revoked`, or of an effect `adopt`, `resend`, `abandon`. */
  readonly wanted: string;
  /** The code of the reason, such as `wrong_hash`. */
  readonly reason: string;
  readonly detail: string;
  /** Of the event that brought it. */
  readonly eventId: string;
}

/**
 * What was refused about an approval or an effect, oldest first, the last 100. A refusal is no row of its own, so that it
 * cannot be lost or taken back: the audit chain has it.
 */
export async function listRefusals(
  { projectId, subject }: { projectId: string; subject: string },
  executor: Executor = db(),
): Promise<RefusalEntry[]> {
  const { payload, seq } = auditEntries;
  const text = (field: string) => sql<string>`coalesce(${payload}->>${field}, '')`;
  const rows = await executor
    .select({
      at: auditEntries.recordedAt,
      by: auditEntries.actor,
      wanted: sql<string>`coalesce(${payload}->>'decision', ${payload}->>'resolution', '')`,
      reason: text("reason"),
      detail: text("detail"),
      eventId: text("eventId"),
    })
    .from(auditEntries)
    .where(
      and(
        eq(auditEntries.subject, subject),
        eq(auditEntries.projectId, projectId),
        inArray(auditEntries.action, REFUSALS),
      ),
    )
    .orderBy(desc(seq))
    .limit(100);
  return rows.reverse();
}
