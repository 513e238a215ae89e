import { effectEntry } from "../audit/happened.ts";
import { appendAudits } from "../data/audit.server.ts";
import { type Effect, lockEffect, moveEffect, orphanedEffects } from "../data/effects.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { errorMessage } from "../errors.ts";
import { log } from "../log.ts";
import type { External } from "./definition.ts";
import { afterNotFound } from "./machine.ts";
import { definitionOf } from "./registry.ts";

const ACTOR = "countersign";

/**
 * Finds out what became of effects that had been sent when their run was canceled: found ones are confirmed, those that
 * surely were not done are abandoned, the rest is unknown. Nothing is ever sent. An effect that cannot be looked for now
 * is left for the next time.
 */
export async function sweepOrphans({
  limit,
}: {
  limit: number;
}): Promise<{ settled: number; left: number }> {
  let settled = 0;
  let left = 0;
  for (const effect of await orphanedEffects({ limit })) {
    try {
      if (await settleOrphan(effect)) settled++;
      else left++;
    } catch (error) {
      log.warn("an effect could not be looked for", {
        effectId: effect.id,
        error: errorMessage(error),
      });
      left++;
    }
  }
  return { settled, left };
}

async function settleOrphan(effect: Effect): Promise<boolean> {
  const { id, kind, marker, params } = effect;
  const definition = definitionOf(kind);
  const signal = AbortSignal.timeout(definition.timeoutMs);
  const found = effect.status === "sent" ? await definition.find({ marker, params, signal }) : null;
  return await transaction(async (tx) => {
    const now = await lockEffect({ id }, tx);
    if (now.effect.status !== effect.status || now.leaseMs > 0) return false;
    const to = outcome(now.effect, found, definition.reads, now.sentAgoMs);
    if (!to) return false;
    const set = found ? { externalId: found.id, externalUrl: found.url ?? null } : {};
    const moved = await moveEffect({ id, from: [effect.status], to, set }, tx);
    if (moved) await appendAudits([effectEntry(moved, ACTOR)], tx);
    return moved !== null;
  });
}

function outcome(
  effect: Effect,
  found: External | null,
  reads: Parameters<typeof afterNotFound>[0],
  sentAgoMs: number,
): "confirmed" | "abandoned" | "unknown" | null {
  if (effect.status === "claimed") return "abandoned";
  if (found) return "confirmed";
  const next = afterNotFound(reads, sentAgoMs);
  if (next.do === "resend") return "abandoned";
  return next.do === "give_up" ? "unknown" : null;
}
