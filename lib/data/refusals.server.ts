import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";
import type { AuditEntry } from "../audit/entry.ts";

/** The actions that record that somebody said something and was not heard. */
const REFUSALS = ["approval.refused", "effect.resolution_refused"];

/** So many are recorded of one approval or effect. */
export const MAX_REFUSALS = 100;
const LAST = "no further refusals of this are recorded";

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
 * What was refused about an approval or an effect, oldest first, at most {@link MAX_REFUSALS}. A refusal is no row of its own, so
 * that it cannot be lost or taken back: the audit chain has it.
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
    .limit(MAX_REFUSALS);
  return rows.reverse();
}

/**
 * Entries that are about to be written, without refusals of which the chain has enough; the last that it takes says so. Anybody
 * who can send an event can be refused as often as they like, and must not bury what became of a run by that. What names no
 * approval or effect stands under the project, is about no run, and stays. The caller holds the lock of the chain.
 */
export async function boundRefusals<
  T extends Pick<AuditEntry, "projectId" | "action" | "subject" | "payload">,
>(entries: readonly T[], tx: Tx): Promise<T[]> {
  const bounded = ({ projectId, action, subject }: T) =>
    REFUSALS.includes(action) && subject !== projectId;
  const refused = await countRefusals(entries.filter(bounded), tx);
  return entries.flatMap((entry) => {
    if (!bounded(entry)) return entry;
    const seen = (refused.get(entry.subject) ?? 0) + 1;
    refused.set(entry.subject, seen);
    if (seen > MAX_REFUSALS) return [];
    if (seen < MAX_REFUSALS) return entry;
    const { detail } = entry.payload;
    return {
      ...entry,
      payload: { ...entry.payload, detail: detail ? `${detail}; ${LAST}` : LAST },
    };
  });
}

/** How many the chain has, by the approval or effect, and no more than matter: an older chain may have any number of them. */
async function countRefusals(
  refusals: readonly Pick<AuditEntry, "projectId" | "subject">[],
  tx: Tx,
): Promise<Map<string, number>> {
  const { id, subject, projectId, action } = auditEntries;
  const counted = new Map<string, number>();
  for (const about of refusals) {
    if (counted.has(about.subject)) continue;
    const some = tx
      .select({ id })
      .from(auditEntries)
      .where(
        and(eq(subject, about.subject), eq(projectId, about.projectId), inArray(action, REFUSALS)),
      )
      .limit(MAX_REFUSALS)
      .as("some");
    counted.set(about.subject, await tx.$count(some));
  }
  return counted;
}
