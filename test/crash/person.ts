import { and, eq } from "drizzle-orm";
import type { Db } from "#db/client.ts";
import { approvals, effects, runs } from "#db/schema.ts";

/** Whom the lane's project belongs to, and so who decides. */
export const PERSON = "person";

/** A person takes a moment, and a run that is told before it waits for it only looks again a minute later. */
const MOMENT_MS = 1000;

export interface Desk {
  readonly database: Db;
  readonly send: (event: { id: string; name: string; data: object }) => Promise<void>;
  /** Effect and attempt -> when it was first seen to be unknown. */
  readonly unknownSince: Map<string, number>;
  /** Ids of the objects in the ledger that carry the marker: what really is there. */
  readonly objects: (runId: string, marker: string) => Promise<readonly string[]>;
}

/**
 * Does once what a person does: grants what waits for a decision, once the run waits too, so that runs go the same way;
 * and says what became of effects that are unknown.
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
    .select()
    .from(effects)
    .where(and(eq(effects.runId, runId), eq(effects.status, "unknown")));
  for (const { id: effectId, marker, attempt } of unknown) {
    const key = `${effectId} ${attempt}`;
    const since = desk.unknownSince.get(key) ?? performance.now();
    desk.unknownSince.set(key, since);
    if (performance.now() - since < MOMENT_MS) continue;
    const [externalId] = await desk.objects(runId, marker);
    const resolution = externalId ? { resolution: "adopt", externalId } : { resolution: "resend" };
    const data = { projectId, effectId, by: PERSON, ...resolution };
    await send({ id: `resolve-${effectId}-${attempt}`, name: "effect.resolved", data });
  }
}
