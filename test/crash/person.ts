import { and, eq } from "drizzle-orm";
import type { Db } from "#db/client.ts";
import { approvals, effects, runs } from "#db/schema.ts";

/** Whom the lane's project belongs to, and so who decides. */
export const PERSON = "person";

export interface Desk {
  readonly database: Db;
  readonly send: (event: { id: string; name: string; data: object }) => Promise<void>;
  /** Ids of the objects outside that carry the marker: what really is there. */
  readonly objects: (runId: string, marker: string) => Promise<readonly string[]>;
}

/**
 * Does once what a person does: grants what waits for a decision, and says what became of effects that are unknown; each
 * once the run waits too, so that runs go the same way.
 */
export async function decide(desk: Desk, projectId: string, runId: string): Promise<void> {
  const { database, send } = desk;
  const pending = await database
    .select({ id: approvals.id, intentHash: approvals.intentHash })
    .from(approvals)
    .innerJoin(runs, eq(runs.id, approvals.runId))
    .where(
      and(eq(runs.id, runId), eq(runs.status, "waiting_approval"), eq(approvals.status, "pending")),
    );
  for (const { id: approvalId, intentHash } of pending) {
    const data = { projectId, approvalId, intentHash, by: PERSON };
    await send({ id: `grant-${approvalId}`, name: "approval.granted", data });
  }
  const unknown = await database
    .select({ id: effects.id, marker: effects.marker, attempt: effects.attempt })
    .from(effects)
    .innerJoin(runs, eq(runs.id, effects.runId))
    .where(
      and(eq(runs.id, runId), eq(runs.status, "waiting_external"), eq(effects.status, "unknown")),
    );
  for (const { id: effectId, marker, attempt } of unknown) {
    const [externalId] = await desk.objects(runId, marker);
    const resolution = externalId ? { resolution: "adopt", externalId } : { resolution: "resend" };
    const data = { projectId, effectId, by: PERSON, ...resolution };
    await send({ id: `resolve-${effectId}-${attempt}`, name: "effect.resolved", data });
  }
}
