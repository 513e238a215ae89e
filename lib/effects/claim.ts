import { randomUUID } from "node:crypto";
import * as z from "zod";
import { approvalEntry, effectEntry } from "../audit/happened.ts";
import { canonicalJson } from "../canonical.ts";
import { type Approval, lockApproval, moveApproval } from "../data/approvals.server.ts";
import { appendAudits } from "../data/audit.server.ts";
import {
  type Effect,
  lockEffect,
  moveEffect,
  readEffect,
  takeLease,
} from "../data/effects.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { findAudit } from "../data/recorded.server.ts";
import { readRun } from "../data/runs.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { requireLive } from "../runs/states.ts";
import { intentHash, intentOf, planHash } from "./intent.ts";
import { leaseMs, nextMove } from "./machine.ts";
import { definitionOf } from "./registry.ts";

const ACTOR = "countersign";

/** Why an approval does not allow an effect now; the audit entry names it. */
export type ClaimRefusal = "not_granted" | "expired" | "other_run" | "intent_changed" | "ended";

/** What a caller that wants an effect done may do, decided and recorded in one transaction. */
export type Turn =
  | { do: "nothing"; effect: Effect }
  | { do: "wait"; ms: number }
  | { do: "ask" }
  /** What the last call came to, of which whoever asks has not heard. */
  | { do: "moved" }
  | { do: "failed"; code: string; message: string }
  | { do: "refused"; reason: ClaimRefusal; detail: string }
  | { do: "send" | "find"; effect: Effect; claimToken: string; sentAgoMs: number };

/**
 * Takes the right to bring an effect about: re-checks the approval, marks it used, takes the lease with a new token.
 * One that was sent before by somebody whose lease is over comes back with `find`. An effect that is done, or in other
 * hands, is left alone. Throws Conflict when the run is over or the effect has failed or been abandoned.
 */
export async function claimEffect(effectId: string): Promise<Turn> {
  const { approvalId, runId } = await readEffect({ id: effectId });
  return await transaction(async (tx) => {
    // Locks in one order everywhere: approval, then effect, then the audit chain.
    const covering = approvalId ? await lockApproval({ id: approvalId }, tx) : null;
    const { effect, leaseMs: left, sentAgoMs } = await lockEffect({ id: effectId }, tx);
    if (effect.approvalId !== approvalId) return { do: "wait", ms: 0 };
    const move = nextMove(effect.status, left);
    if (move.do === "nothing") return { do: "nothing", effect };
    requireLive(await readRun({ id: runId }, tx), runId);
    if (!(await projectExists({ id: effect.projectId }, tx))) {
      return await refuse(effect, "ended", "its project is being deleted", tx);
    }
    if (move.do === "wait") return move;
    if (move.do === "ask") return { do: "ask" };
    if (move.do === "stop") {
      const { projectId, error } = effect;
      const called = await findAudit({ projectId, key: callKey(effect) }, tx);
      if (called && move.because === "not_approved") return { do: "moved" };
      if (called && move.because === "failed") {
        return { do: "failed", code: String(called.payload.code), message: error ?? "" };
      }
      if (move.because !== "not_approved") {
        return await refuse(effect, "ended", `it is ${effect.status}`, tx);
      }
      if (!covering) return await refuse(effect, ...UNCOVERED, tx);
      // Such as that it has expired, which was said to whoever wanted to send it again.
      const status = `its approval is ${covering.approval.status}`;
      const problem = objection(effect, covering) ?? (["not_granted", status] as const);
      return await refuse(effect, ...problem, tx);
    }

    const definition = definitionOf(effect.kind);
    const claimToken = randomUUID();
    if (move.do === "find") {
      await takeLease({ id: effectId, claimToken, leaseMs: leaseMs(definition) }, tx);
      return { do: "find", effect, claimToken, sentAgoMs };
    }
    if (!covering) return await refuse(effect, ...UNCOVERED, tx);
    const problem = objection(effect, covering);
    if (problem) return await refuse(effect, ...problem, tx);
    const claimed = await moveEffect(
      {
        id: effectId,
        from: ["approved", "claimed"],
        to: "claimed",
        leaseMs: leaseMs(definition),
        set: { claimToken },
      },
      tx,
    );
    if (!claimed) return { do: "wait", ms: 0 };
    const { id } = covering.approval;
    const used = await moveApproval({ id, from: ["granted"], to: "used" }, tx);
    const entries = used ? [approvalEntry(used, ACTOR, { usedBy: effectId })] : [];
    await appendAudits([...entries, effectEntry(claimed, ACTOR)], tx);
    return { do: "send", effect: claimed, claimToken, sentAgoMs };
  });
}

/**
 * The key of the audit entry of what a call came to that surely did nothing. It names the approval: planned anew, the effect
 * is where nothing was called yet.
 */
export function callKey({ id, approvalId, attempt, status }: Effect): string {
  return `called:${id}:${approvalId}:${attempt}:${status}`;
}

/** The objection to an effect that no approval covers. */
export const UNCOVERED: [ClaimRefusal, string] = ["not_granted", "no approval covers it"];

/**
 * Why the approval does not cover this effect now; null when it does. It must be granted (or used, by this plan), of the
 * same run and not expired; the intents that it lists must have the hash that was approved; and this effect's stored params
 * must be the ones listed for it, as must the intent that they make now. Neither a row nor a definition that changed
 * since can slip something else through.
 */
export function objection(
  effect: Effect,
  { approval, now }: { approval: Approval; now: Date },
): [ClaimRefusal, string] | null {
  if (approval.status !== "granted" && approval.status !== "used") {
    return ["not_granted", `its approval is ${approval.status}`];
  }
  if (approval.runId !== effect.runId || approval.projectId !== effect.projectId) {
    return ["other_run", `its approval is of the run ${approval.runId}`];
  }
  if (approval.expiresAt.getTime() <= now.getTime()) {
    return ["expired", `its approval expired at ${approval.expiresAt.toISOString()}`];
  }
  const covers = coveredBy(approval);
  const mine = covers.find(({ effectId }) => effectId === effect.id);
  const intent = intentOf(definitionOf(effect.kind), effect.params);
  const hash = intentHash({ kind: effect.kind, intent });
  // Not all params are in the intent: such as the branch that a commit is built from.
  const same =
    mine !== undefined &&
    intentHash(mine) === hash &&
    canonicalJson(mine.params ?? effect.params) === canonicalJson(effect.params);
  if (planHash(covers) !== approval.intentHash || !same) {
    return ["intent_changed", "what was planned is not what was approved"];
  }
  return null;
}

const covered = z.object({
  covers: z.array(
    z.object({
      effectId: z.string(),
      kind: z.string(),
      intent: z.record(z.string(), z.unknown()),
      /** Absent in approvals of before it was kept. */
      params: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

/** The intents that were shown and hashed, in their order, each with its effect and the params that it was made of. */
export function coveredBy({ metadata }: Pick<Approval, "metadata">) {
  return covered.parse(metadata).covers;
}

async function refuse(effect: Effect, reason: ClaimRefusal, detail: string, tx: Tx): Promise<Turn> {
  const entry = effectEntry(effect, ACTOR, {
    action: "effect.claim_refused",
    payload: { reason, detail },
  });
  // Once for each reason and attempt: a step that is tried again says nothing new.
  const key = `claim_refused:${effect.id}:${effect.approvalId}:${effect.attempt}:${reason}`;
  await appendAudits([{ ...entry, key }], tx);
  return { do: "refused", reason, detail };
}
