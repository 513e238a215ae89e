import { randomUUID } from "node:crypto";
import { effectEntry } from "../audit/happened.ts";
import { appendAudits } from "../data/audit.server.ts";
import { countInFlight, orphanedEffects } from "../data/effect-lists.server.ts";
import { type Effect, lockEffect, moveEffect, takeLease } from "../data/effects.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { errorMessage } from "../errors.ts";
import { log } from "../log.ts";
import { confirmEffect } from "./confirm.ts";
import type { External } from "./definition.ts";
import { afterNotFound } from "./machine.ts";
import { findingOf } from "./made-under.ts";
import { definitionOf } from "./registry.ts";

const ACTOR = "countersign";

type Orphan = Awaited<ReturnType<typeof orphanedEffects>>[number];

/** A step may take less than five minutes, and a look at another system that says nothing takes its whole time. */
const SWEEP_MS = 120_000;
/** After a look that settled nothing: others get their turn first. */
const NEXT_LOOK_MS = 2 * 60_000;
/** For how long what was sent is looked for where the other system cannot be asked, since an account or its key is gone. */
const GIVE_UP_MS = 6 * 60 * 60_000;

/**
 * Finds out what became of effects that had been sent when their run ended: found ones are confirmed; of canceled runs,
 * those that surely were not done are abandoned and the rest is unknown, also what was done and taken back
 * since, or cannot be looked for in six hours. Nothing is ever sent. An effect that cannot be looked for now is left for the
 * next time.
 */
export async function sweepOrphans(input: {
  limit: number;
  projectId?: string;
  /** No run will be resumed any more: those that failed are settled as canceled ones are. */
  final?: boolean;
}): Promise<{ settled: number; left: number }> {
  let settled = 0;
  let left = 0;
  const until = performance.now() + SWEEP_MS;
  for (const effect of await orphanedEffects(input)) {
    if (performance.now() > until) break;
    try {
      if (await settleOrphan(effect, input.final === true)) {
        settled++;
        continue;
      }
    } catch (thrown) {
      const error = errorMessage(thrown);
      log.warn("an effect could not be looked for", { effectId: effect.id, error });
      if (await giveUp(effect, input.final === true, error)) {
        settled++;
        continue;
      }
    }
    left++;
    await postponeLook(effect);
  }
  return { settled, left };
}

/** Looks for what a project's ended runs had sent. Returns how many of its effects are still open. */
export async function settleInFlight({ projectId }: { projectId: string }): Promise<number> {
  await sweepOrphans({ limit: 100, projectId, final: true });
  return await countInFlight({ projectId });
}

async function postponeLook({ id, status }: Effect): Promise<void> {
  await transaction(async (tx) => {
    const now = await lockEffect({ id }, tx);
    if (now.effect.status !== status || now.leaseMs > 0) return;
    await takeLease({ id, claimToken: randomUUID(), leaseMs: NEXT_LOOK_MS }, tx);
  });
}

async function settleOrphan(effect: Orphan, final: boolean): Promise<boolean> {
  const { id, kind, marker, params } = effect;
  const definition = definitionOf(kind);
  const signal = AbortSignal.timeout(definition.timeoutMs());
  const call = { marker, params, signal };
  const sent = effect.status === "sent";
  const found = sent ? await definition.find(call) : null;
  const undone = sent && !found && (await definition.wasDone?.(call)) === true;
  return await transaction(async (tx) => {
    const now = await lockEffect({ id }, tx);
    if (now.effect.status !== effect.status || now.leaseMs > 0) return false;
    const seen = outcome(now.effect, found, definition.reads, now.sentAgoMs);
    const to = undone && seen === "abandoned" ? "unknown" : seen;
    // A failed run can be resumed, and then goes on from where this stands.
    if (!to || (effect.runStatus === "failed" && !final && to !== "confirmed")) return false;
    const { set, payload } = found
      ? await findingOf(now.effect, found, tx)
      : { set: {}, payload: {} };
    const move = { id, from: [effect.status], set };
    const moved =
      to === "confirmed" ? await confirmEffect(move, tx) : await moveEffect({ ...move, to }, tx);
    if (moved) await appendAudits([effectEntry(moved, ACTOR, { payload })], tx);
    return moved !== null;
  });
}

/** Leaves it to a person after long enough: it would be looked for for ever, and its project could not be deleted. */
async function giveUp({ id, runStatus }: Orphan, final: boolean, why: string): Promise<boolean> {
  if (runStatus === "failed" && !final) return false;
  return await transaction(async (tx) => {
    const { effect, leaseMs, sentAgoMs } = await lockEffect({ id }, tx);
    if (effect.status !== "sent" || leaseMs > 0 || sentAgoMs < GIVE_UP_MS) return false;
    const set = { error: `It was sent, and it cannot be looked for: ${why}` };
    const moved = await moveEffect({ id, from: ["sent"], to: "unknown", set }, tx);
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
