import type { z } from "zod";
import { prove } from "../approvals/assurance.ts";
import { approvalRule } from "../approvals/rule.ts";
import { effectEntry } from "../audit/happened.ts";
import { lockApproval, nonceUsed } from "../data/approvals.server.ts";
import { appendAudits } from "../data/audit.server.ts";
import { type Effect, lockEffect, moveEffect, readEffect } from "../data/effects.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { NotFound } from "../errors.ts";
import type { effectResolved } from "../events/catalogue/approvals.ts";
import { ASSURANCE } from "../policy/document.ts";
import type { External } from "./definition.ts";
import { definitionOf } from "./registry.ts";

export type Resolution = z.infer<typeof effectResolved.schema> & { readonly eventId: string };

export interface Resolved {
  readonly accepted: boolean;
  readonly reason?: string;
}

/** The state that each resolution leads to. */
const RESULT = { adopt: "confirmed", resend: "approved", abandon: "abandoned" } as const;

/**
 * Does what a person decided about an effect whose outcome nobody could find out: `adopt` takes the external object that
 * its marker finds, or the one that the person names; `resend` lets it be claimed again; `abandon` ends it. Who may say
 * so is who may approve its plan, with the same assurance. A refused one changes nothing and is recorded.
 */
export async function resolveEffect(resolution: Resolution): Promise<Resolved> {
  const effect = await readOrNull(resolution.effectId);
  if (!effect || effect.projectId !== resolution.projectId)
    return { accepted: false, reason: "no_such_effect" };
  // Outside of the transaction, which holds locks: the other system may take its time.
  const external = resolution.resolution === "adopt" ? await adopted(effect, resolution) : null;
  return await transaction(async (tx) => {
    const reason = await objection(effect, resolution, external, tx);
    if (reason === "repeated") return { accepted: true };
    const { effectId, by, eventId, note } = resolution;
    if (reason) {
      const entry = effectEntry(effect, by, {
        action: "effect.resolution_refused",
        payload: { reason, by, resolution: resolution.resolution, eventId },
      });
      await appendAudits([{ ...entry, key: `effect.resolution_refused:${eventId}` }], tx);
      return { accepted: false, reason };
    }
    const to = RESULT[resolution.resolution];
    const set = external ? { externalId: external.id, externalUrl: external.url ?? null } : {};
    const moved = await moveEffect({ id: effectId, from: ["unknown"], to, set }, tx);
    if (!moved) throw new Error(`the effect ${effectId} moved under its lock`);
    const said = effectEntry(moved, by, {
      action: "effect.resolved",
      payload: { by, resolution: resolution.resolution, eventId, ...(note ? { note } : {}) },
    });
    await appendAudits(
      [{ ...said, key: `effect.resolved:${eventId}` }, effectEntry(moved, by)],
      tx,
    );
    return { accepted: true };
  });
}

async function adopted(effect: Effect, resolution: Resolution): Promise<External | null> {
  const definition = definitionOf(effect.kind);
  const { marker, params } = effect;
  const signal = AbortSignal.timeout(definition.timeoutMs);
  const { externalId: id, externalUrl: url } = resolution;
  try {
    const found = await definition.find({ marker, params, signal });
    if (found) return found;
  } catch (error) {
    // What the person names is enough when the other system cannot be asked.
    if (id === undefined) throw error;
  }
  return id === undefined ? null : { id, url };
}

/** Why the resolution is refused; `repeated` when it is what was done before. Takes the locks. */
async function objection(
  seen: Effect,
  resolution: Resolution,
  external: External | null,
  tx: Tx,
): Promise<string | null> {
  const { by, effectId, projectId } = resolution;
  const covering = seen.approvalId ? await lockApproval({ id: seen.approvalId }, tx) : null;
  const { effect } = await lockEffect({ id: effectId }, tx);
  if (effect.status !== "unknown") {
    return effect.status === RESULT[resolution.resolution] ? "repeated" : "not_unknown";
  }
  if (!covering) return "no_approval";
  const rule = approvalRule(covering.approval);
  if (!rule.approvers.includes(by)) return "not_an_approver";
  // The attempt is in it: what was said about one call does not hold for the next.
  const attempt = String(effect.attempt);
  const facts = {
    effectId,
    attempt,
    resolution: resolution.resolution,
    externalId: resolution.externalId ?? "",
  };
  const proofs = { signature: resolution.signature, edge: resolution.edge };
  const proved = await prove({ projectId, by, facts, proofs, now: covering.now }, tx);
  if (!proved.ok) return proved.reason;
  if (proved.nonce && (await nonceUsed({ decidedBy: by, nonce: proved.nonce }, tx))) {
    return "nonce_replayed";
  }
  if (ASSURANCE.indexOf(proved.assurance) < ASSURANCE.indexOf(rule.assurance)) {
    return "assurance_too_low";
  }
  if (resolution.resolution === "adopt" && !external) return "nothing_to_adopt";
  return null;
}

async function readOrNull(id: string): Promise<Effect | null> {
  try {
    return await readEffect({ id });
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}
