import { approvalEntry, effectEntry } from "../audit/happened.ts";
import { growing } from "../backoff.ts";
import { lockApproval, moveApproval } from "../data/approvals.server.ts";
import { appendAudits } from "../data/audit.server.ts";
import { type Effect, moveEffect } from "../data/effects.server.ts";
import { readRun } from "../data/runs.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { errorMessage, Later } from "../errors.ts";
import { requireLive } from "../runs/states.ts";
import { type ClaimRefusal, callKey, claimEffect, objection, UNCOVERED } from "./claim.ts";
import { confirmEffect } from "./confirm.ts";
import {
  type EffectCall,
  EffectDeferred,
  type EffectDefinition,
  EffectMoved,
  EffectRefused,
  type Found,
} from "./definition.ts";
import { afterNotFound, leaseMs } from "./machine.ts";
import { asMade, type Finding, findingOf } from "./made-under.ts";
import { definitionOf } from "./registry.ts";

const ACTOR = "countersign";

export type Performed =
  | { outcome: "confirmed"; externalId: string | null; externalUrl: string | null }
  /** It was called, and nobody can tell whether it is there: a person has to (`effect.resolved`). */
  | { outcome: "unknown" }
  /** Nothing was done, since what the plan was made against has changed. */
  | { outcome: "moved" }
  | { outcome: "refused"; reason: ClaimRefusal; detail: string };

/** An effect in the hands of this process until the lease is over. */
interface Held {
  readonly effect: Effect;
  readonly definition: EffectDefinition;
  readonly claimToken: string;
}

/**
 * Brings an effect about, once, however often and by however many this is called and wherever the process dies: claim,
 * write `sent`, call, confirm; what was sent before is looked for first. One call of this does one of these ways to its
 * end or throws Later, to be called again after `afterMs`.
 *
 * Rests on one assumption about the other system: a call that was let go at its deadline (timeoutMs) has had its effect,
 * or will never have it, when the lease (twice that) is over.
 */
export async function performEffect(effectId: string): Promise<Performed> {
  const turn = await claimEffect(effectId);
  switch (turn.do) {
    case "nothing":
      return confirmedAs(turn.effect);
    case "wait":
      throw new Later("effect_claimed", `The effect ${effectId} is in other hands.`, turn.ms + 100);
    case "ask":
      return { outcome: "unknown" };
    case "moved":
      return { outcome: "moved" };
    case "failed":
      throw new EffectRefused(turn.code, turn.message);
    case "refused":
      return { outcome: "refused", reason: turn.reason, detail: turn.detail };
    case "send":
    case "find": {
      const { effect, claimToken } = turn;
      const held = { effect, claimToken, definition: definitionOf(effect.kind) };
      return turn.do === "send" ? await send(held) : await findFirst(held, turn.sentAgoMs);
    }
  }
}

/** Looks for what was sent; repeats the call only where its absence proves that nothing was done. */
async function findFirst(held: Held, sentAgoMs: number): Promise<Performed> {
  const { effect, definition } = held;
  const found = await definition.find(call(held, AbortSignal.timeout(definition.timeoutMs())));
  if (found) return await confirm(held, (tx) => findingOf(effect, found, tx));
  const next = afterNotFound(definition.reads, sentAgoMs);
  if (next.do === "wait") {
    throw new Later("effect_not_seen", `The effect ${effect.id} is not seen yet.`, next.ms);
  }
  if (next.do === "resend") return await send(held);
  await move(held, "unknown", "It was sent, and it cannot be found.");
  return { outcome: "unknown" };
}

/** Writes `sent`, then calls. The time for the call runs from before the writing: who was held up there is too late. */
async function send(held: Held): Promise<Performed> {
  const { effect, definition } = held;
  const signal = AbortSignal.timeout(definition.timeoutMs());
  const [began, beganAt] = [performance.now(), Date.now()];
  const refused = await markSent(held);
  if (refused) return refused;
  // By the clocks, not by the signal: its timer comes late when the process stood still. One stands still with a machine that is
  // suspended, the other can be set back.
  const passed = () => Math.max(performance.now() - began, Date.now() - beganAt);
  const late = () => passed() >= definition.timeoutMs();
  if (late()) throw tooLate(held);
  // Called before, and a person or another plan brought it back: what was made then may have come to light.
  if (effect.attempt > 0 && effect.status !== "sent" && !definition.findsAbsence) {
    const found = await definition.find(call(held, signal));
    if (found) return await confirm(held, (tx) => findingOf(effect, found, tx));
    if (late()) throw tooLate(held);
  }
  let made: Found;
  try {
    made = await definition.perform(call(held, signal));
  } catch (error) {
    return await failedCall(held, error);
  }
  return await confirm(held, async () => asMade(effect, made));
}

/** From here on it may exist outside. A resend is checked against its approval again, as a claim is. */
async function markSent(held: Held): Promise<Performed | null> {
  const { effect, definition, claimToken } = held;
  return await transaction(async (tx) => {
    if (effect.status === "sent") {
      const covering = effect.approvalId ? await lockApproval({ id: effect.approvalId }, tx) : null;
      const problem = covering ? objection(effect, covering) : UNCOVERED;
      if (problem) {
        // Surely not done, and no longer allowed: back to where a new approval is needed.
        const set = { error: problem[1] };
        const back = await moveEffect(
          { id: effect.id, from: ["sent"], to: "planned", claimToken, set },
          tx,
        );
        if (!back) throw tooLate(held);
        await appendAudits([effectEntry(back, ACTOR, { payload: { reason: problem[0] } })], tx);
        return { outcome: "refused", reason: problem[0], detail: problem[1] };
      }
    }
    const sent = await moveEffect(
      {
        id: effect.id,
        from: ["claimed", "sent"],
        to: "sent",
        claimToken,
        leaseMs: leaseMs(definition),
      },
      tx,
    );
    if (!sent) throw tooLate(held);
    // A run that was canceled while we looked: it locks its effects first, so this sees it.
    requireLive(await readRun({ id: effect.runId }, tx), effect.runId);
    await appendAudits([effectEntry(sent, ACTOR)], tx);
    return null;
  });
}

/** What a call that threw means for the effect. Only what surely did nothing leaves `sent`. */
async function failedCall(held: Held, error: unknown): Promise<Performed> {
  if (error instanceof EffectRefused) {
    await move(held, "failed", errorMessage(error), { code: error.code });
    throw error;
  }
  if (error instanceof EffectMoved) {
    await move(held, "planned", errorMessage(error), { code: error.code });
    return { outcome: "moved" };
  }
  if (error instanceof EffectDeferred) {
    await move(held, "approved", errorMessage(error));
    const pause = Math.max(error.afterMs, growing(1000, held.effect.attempt));
    throw new EffectDeferred(error.message, pause);
  }
  const { effect, definition } = held;
  throw new Later(
    "effect_outcome_open",
    `The call for the effect ${effect.id} did not end well, it will be looked for: ${errorMessage(error)}`,
    growing(leaseMs(definition), effect.attempt),
    error,
  );
}

/** The external id, with the audit entry, in one transaction. */
async function confirm(held: Held, known: (tx: Tx) => Promise<Finding>): Promise<Performed> {
  const { effect, claimToken } = held;
  return await transaction(async (tx) => {
    const { set, payload } = await known(tx);
    const confirmed = await confirmEffect({ id: effect.id, from: ["sent"], claimToken, set }, tx);
    if (!confirmed) throw tooLate(held);
    await appendAudits([effectEntry(confirmed, ACTOR, { payload })], tx);
    return confirmedAs(confirmed);
  });
}

async function move(
  held: Held,
  to: "failed" | "unknown" | "planned" | "approved",
  error: string,
  called?: { readonly code: string },
): Promise<void> {
  const { effect, claimToken } = held;
  await transaction(async (tx) => {
    // A plan that was made against something that moved is void: whoever approved it saw something else.
    const voided =
      to === "planned" && effect.approvalId
        ? await moveApproval({ id: effect.approvalId, from: ["granted"], to: "superseded" }, tx)
        : null;
    const moved = await moveEffect(
      { id: effect.id, from: ["sent"], to, claimToken, set: { error } },
      tx,
    );
    if (!moved) throw tooLate(held);
    const entries = voided ? [approvalEntry(voided, ACTOR, { reason: error })] : [];
    const entry = effectEntry(moved, ACTOR, called && { payload: called });
    await appendAudits([...entries, { ...entry, ...(called && { key: callKey(moved) }) }], tx);
  });
}

/** Somebody else has it, or will have it: what we know is looked up by the next attempt. */
function tooLate({ effect, definition }: Held): Later {
  return new Later(
    "effect_lease_lost",
    `The time for the effect ${effect.id} was over before it could be recorded.`,
    leaseMs(definition),
  );
}

function call({ effect }: Held, signal: AbortSignal): EffectCall<Record<string, unknown>> {
  return { marker: effect.marker, params: effect.params, signal };
}

function confirmedAs({ externalId, externalUrl }: Effect): Performed {
  return { outcome: "confirmed", externalId, externalUrl };
}
