import { prove } from "../approvals/assurance.ts";
import { mayResolve } from "../approvals/judge.ts";
import { resolutionFacts } from "../approvals/proof.ts";
import { approvalRule } from "../approvals/rule.ts";
import { lockApproval, nonceUsed } from "../data/approvals.server.ts";
import { type Effect, lockEffect } from "../data/effects.server.ts";
import { findAudit } from "../data/recorded.server.ts";
import { readRun } from "../data/runs.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { Unavailable } from "../errors.ts";
import { ASSURANCE, type Assurance } from "../policy/document.ts";
import { RESULT } from "./machine.ts";
import { type Resolution, resolvedKey } from "./resolution.ts";

/** With the effect as it is under its lock. */
export type Verdict = { readonly effect: Effect } & (
  | { readonly refused: string }
  | { readonly repeated: true }
  | { readonly assurance: Assurance }
);

/**
 * Whether a resolution counts, with which assurance, why not, or that it is what was done before. Takes the locks.
 * Throws Unavailable when the effect was planned anew at the same time.
 * @param seen the effect as it was read before
 * @param nothing whether there is nothing that could be adopted
 */
export async function judgeResolution(
  seen: Effect,
  resolution: Resolution,
  nothing: boolean,
  tx: Tx,
): Promise<Verdict> {
  const { by, effectId } = resolution;
  const covering = seen.approvalId ? await lockApproval({ id: seen.approvalId }, tx) : null;
  const { effect } = await lockEffect({ id: effectId }, tx);
  // Planned anew since it was read: who may say so is another question then.
  if (effect.approvalId !== seen.approvalId) {
    throw new Unavailable("effect_changed", "The effect was planned anew at the same time.");
  }
  const { projectId } = effect;
  const refuse = (refused: string): Verdict => ({ effect, refused });
  if (projectId !== resolution.projectId) return refuse("other_project");
  // Heard before: a proof that was good then need not be good any more.
  const heard = await findAudit({ projectId, key: resolvedKey(resolution) }, tx);
  // Unknown all the same: it was sent again since. An event that comes late was not said about that.
  if (heard && effect.status === "unknown") return refuse("event_id_used");
  if (heard) return { effect, repeated: true };
  if (!covering) return refuse("no_approval");
  const rule = approvalRule(covering.approval);
  if (!rule.approvers.includes(by)) return refuse("not_an_approver");
  if (!mayResolve(resolution.resolution, covering.approval.requestedBy, rule, by)) {
    return refuse("requester_may_not_approve");
  }
  const repeated = effect.status === RESULT[resolution.resolution];
  if (effect.status !== "unknown" && !repeated) return refuse("not_unknown");
  const facts = resolutionFacts({ ...resolution, attempt: effect.attempt });
  const proofs = { signature: resolution.signature, edge: resolution.edge };
  const proved = await prove({ projectId, by, facts, proofs, now: covering.now }, tx);
  if (!proved.ok) return refuse(proved.reason);
  const { assurance, nonce } = proved;
  if (nonce && (await nonceUsed({ decidedBy: by, nonce }, tx))) return refuse("nonce_replayed");
  if (ASSURANCE.indexOf(assurance) < ASSURANCE.indexOf(rule.assurance)) {
    return refuse("assurance_too_low");
  }
  if (repeated) return { effect, repeated };
  if (resolution.resolution === "resend" && (await isOver(effect, tx))) return refuse("run_ended");
  return resolution.resolution === "adopt" && nothing
    ? refuse("nothing_to_adopt")
    : { effect, assurance };
}

/** Whether the run will do nothing more: what is to be sent again would only be forgotten. One that failed can be asked for again. */
async function isOver({ runId }: Effect, tx: Tx): Promise<boolean> {
  const { status } = await readRun({ id: runId }, tx);
  return status === "canceled" || status === "succeeded";
}
