import { effectEntry } from "../audit/happened.ts";
import { appendAudits } from "../data/audit.server.ts";
import { lockEffectsOfRun, moveEffect } from "../data/effects.server.ts";
import { transaction } from "../data/transaction.server.ts";

const ACTOR = "countersign";

/**
 * Gives up what was approved for a case that has not come about, so that nobody does it later. What has begun is left alone. Said
 * again, it changes nothing. Returns how many were given up.
 */
export async function abandonKept(input: {
  runId: string;
  kind: string;
  reason: string;
}): Promise<number> {
  const { runId, kind, reason } = input;
  return await transaction(async (tx) => {
    const entries = [];
    for (const row of await lockEffectsOfRun({ runId }, tx)) {
      if (row.kind !== kind) continue;
      const move = { id: row.id, from: ["planned", "approved"] as const, to: "abandoned" as const };
      const gone = await moveEffect(move, tx);
      if (gone) entries.push(effectEntry(gone, ACTOR, { payload: { reason } }));
    }
    await appendAudits(entries, tx);
    return entries.length;
  });
}
